using JasperFx;
using Marten.Exceptions;
using Npgsql;

namespace EventStream.EventStore;

/// <summary>What Marten and PostgreSQL throw when two writers meet.</summary>
public static class StoreFailures
{
    private const string EventIdIndex = "idx_mt_events_event_id";

    /// <summary>
    /// Another writer came first: two classes of one name when both start the stream, and a third after that.
    /// </summary>
    internal static bool IsLostRace(Exception e) =>
        e
            is ConcurrencyException
                or ExistingStreamIdCollisionException
                or JasperFx.Events.ExistingStreamIdCollisionException
        || Cause(e) is { } cause
            && (
                cause.SqlState is PostgresErrorCodes.SerializationFailure or PostgresErrorCodes.DeadlockDetected
                || cause.SqlState == PostgresErrorCodes.UniqueViolation && cause.ConstraintName != EventIdIndex
            );

    /// <summary>An event of this id is stored already.</summary>
    internal static bool IsStoredBefore(Exception e) =>
        Cause(e) is { SqlState: PostgresErrorCodes.UniqueViolation, ConstraintName: EventIdIndex };

    /// <summary>PostgreSQL is away or busy for a while: what failed may be tried again.</summary>
    public static bool IsTransient(Exception? e)
    {
        for (; e is not null; e = e.InnerException)
            if (e is NpgsqlException { IsTransient: true })
                return true;
        return false;
    }

    /// <summary>The store is away or contended: what is done at intervals is done again at the next one.</summary>
    public static bool IsPassing(Exception e) =>
        e is System.Data.Common.DbException or TimeoutException or ContendedStreamException or MartenException;

    private static PostgresException? Cause(Exception? e)
    {
        for (; e is not null; e = e.InnerException)
            if (e is PostgresException cause)
                return cause;
        return null;
    }
}
