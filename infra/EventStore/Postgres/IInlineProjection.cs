using Npgsql;

namespace EventStream.EventStore.Postgres;

/// <summary>Rows that are written in the transaction of the append.</summary>
public interface IInlineProjection
{
    /// <summary>Whether events of a stream concern it at all.</summary>
    bool Concerns(string stream);

    /// <summary>Writes what the events change, in the append's transaction.</summary>
    Task ApplyAsync(
        NpgsqlConnection connection, IReadOnlyList<RecordedEvent> events, CancellationToken cancellation);
}
