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
    /// Commands that go with the append, before it and in its transaction, so that they cost no round trip of their
    /// own. Where there are any, the projection takes part in the append only if the last one returns a row.
    /// </summary>
    IReadOnlyList<NpgsqlBatchCommand> Opening() => [];

    /// <summary>
    /// Applies the events of an append, all of one stream, over <paramref name="connection"/>, which is in the append's
    /// transaction. What it throws undoes the append. Not called for an append whose events were there already.
    /// </summary>
    Task ApplyAsync(
        NpgsqlConnection connection, IReadOnlyList<RecordedEvent> events, CancellationToken cancellation);
}
