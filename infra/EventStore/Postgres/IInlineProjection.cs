using Npgsql;

namespace EventStream.EventStore.Postgres;

/// <summary>
/// A read model that is written in the transaction of the append, and so never lags behind the stream.
/// </summary>
public interface IInlineProjection
{
    /// <summary>
    /// Whether it wants the events of a stream. An append that no projection wants stays one round trip.
    /// </summary>
    bool Concerns(string stream);

    /// <summary>
    /// Applies the events of an append, all of one stream, over <paramref name="connection"/>, which is in the append's
    /// transaction. What it throws undoes the append. Not called for an append whose events were there already.
    /// </summary>
    Task ApplyAsync(
        NpgsqlConnection connection, IReadOnlyList<RecordedEvent> events, CancellationToken cancellation);
}
