using System.Runtime.CompilerServices;
using EventStream.Contracts;
using Npgsql;
using NpgsqlTypes;

namespace EventStream.EventStore.Postgres;

/// <summary>
/// The event store on PostgreSQL: one function call per append, plain ordered reads, <see cref="HighWater"/> as the
/// bound.
/// </summary>
public sealed class PostgresEventStore(NpgsqlDataSource source, HighWater highWater, AppendSignal signal) : IEventStore
{
    private const string WrongVersion = "ES001";
    private const string Append = "select last_version, last_position from append_events($1, $2, $3, $4, $5, $6)";
    private const string Columns = "position, stream, version, id, name, data, metadata, recorded_at";
    private const string ReadStream =
        $"select {Columns} from events where stream = $1 and version >= $2 order by version";
    private const string ReadAll =
        $"select {Columns} from events where position > $1 and position <= $2 order by position limit $3";

    public async Task<AppendResult> AppendAsync(
        string stream, ExpectedVersion expected, IReadOnlyList<NewEvent> events, EventMetadata metadata,
        CancellationToken cancellation)
    {
        AppendRules.Check(stream, events);
        await using var command = source.CreateCommand(Append);
        Bind(command, stream, expected, events, metadata);
        try
        {
            await using var reader = await command.ExecuteReaderAsync(cancellation);
            await reader.ReadAsync(cancellation);
            var result = new AppendResult(reader.GetInt64(0), reader.GetInt64(1));
            signal.Appended();
            return result;
        }
        catch (PostgresException e) when (e.SqlState == WrongVersion)
        {
            throw new WrongExpectedVersionException(stream, expected, long.Parse(e.MessageText));
        }
        catch (PostgresException e)
            when (e is { SqlState: PostgresErrorCodes.UniqueViolation, ConstraintName: "events_id" })
        {
            throw new DuplicateEventException(stream);
        }
    }

    public async IAsyncEnumerable<RecordedEvent> ReadStreamAsync(
        string stream, long fromVersion = 1, [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        await using var command = source.CreateCommand(ReadStream);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = stream });
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = fromVersion });
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        while (await reader.ReadAsync(cancellation)) yield return EventRow.Read(reader);
    }

    public async Task<IReadOnlyList<RecordedEvent>> ReadAllAsync(
        long afterPosition, int max, CancellationToken cancellation)
    {
        var upTo = await highWater.AdvanceAsync(cancellation);
        if (upTo <= afterPosition) return [];
        await using var command = source.CreateCommand(ReadAll);
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = afterPosition });
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = upTo });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = max });
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var events = new List<RecordedEvent>();
        while (await reader.ReadAsync(cancellation)) events.Add(EventRow.Read(reader));
        return events;
    }

    /// <summary>
    /// Events in (after, upTo] as they are visible now, whatever the high-water mark is: for a caller that knows that
    /// nothing can appear there any more.
    /// </summary>
    internal async Task<IReadOnlyList<RecordedEvent>> ReadRangeAsync(
        long after, long upTo, int max, CancellationToken cancellation)
    {
        await using var command = source.CreateCommand(ReadAll);
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = after });
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = upTo });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = max });
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var events = new List<RecordedEvent>();
        while (await reader.ReadAsync(cancellation)) events.Add(EventRow.Read(reader));
        return events;
    }

    public Task<long> HighWaterAsync(CancellationToken cancellation) => highWater.AdvanceAsync(cancellation);

    private static void Bind(
        NpgsqlCommand command, string stream, ExpectedVersion expected, IReadOnlyList<NewEvent> events,
        EventMetadata metadata)
    {
        var ids = new Guid[events.Count];
        var names = new string[events.Count];
        var data = new byte[events.Count][];
        for (var i = 0; i < events.Count; i++)
        {
            ids[i] = events[i].Id;
            names[i] = MessageTypes.NameOf(events[i].Data.GetType());
            data[i] = MessageTypes.Write(events[i].Data);
            AppendRules.CheckSize(stream, names[i], data[i].Length);
        }

        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = stream });
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = expected.Value });
        command.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = ids });
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = names });
        command.Parameters.Add(new NpgsqlParameter
        {
            Value = data,
            NpgsqlDbType =
            NpgsqlDbType.Array | NpgsqlDbType.Jsonb
        });
        command.Parameters.Add(new NpgsqlParameter
        {
            Value = EventRow.Write(metadata),
            NpgsqlDbType = NpgsqlDbType.Jsonb,
        });
    }
}
