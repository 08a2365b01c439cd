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
    /// Whether it writes for each stream rows of its own and no others, so that appends to different streams never wait
    /// for each other's rows. Such appends of waiting callers share a transaction; the others go each by itself.
    /// </summary>
    bool KeepsToStreams => false;

    /// <summary>
    /// Commands that go with the append, before it and in its transaction, so that they cost no round trip of their
    /// own. Where there are any, the projection takes part in the append only if the last one returns a row.
    /// </summary>
    IReadOnlyList<NpgsqlBatchCommand> Opening() => [];

    /// <summary>
    /// Applies the events of an append over <paramref name="connection"/>, which is in the append's transaction: those
    /// of a stream together and in their order. There are several streams where they were appended to together. What it
    /// throws undoes the append. Events that were there already are not among them.
    /// </summary>
    Task ApplyAsync(
        NpgsqlConnection connection, IReadOnlyList<RecordedEvent> events, CancellationToken cancellation);
}
