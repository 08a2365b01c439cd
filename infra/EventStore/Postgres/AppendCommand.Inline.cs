using EventStream.EventStore.Codec;
using Npgsql;

namespace EventStream.EventStore.Postgres;

/// <summary>Appends in a transaction that inline projections take part in.</summary>
internal static partial class AppendCommand
{
    /// <summary>
    /// Appends over a connection in a transaction, each with its own outcome. In the same round trip, before,
    /// projections open; those that say so take part.
    /// </summary>
    public static Task<InlineAppend> ExecuteAsync(
        NpgsqlConnection connection, IReadOnlyList<IInlineProjection> projections,
        IReadOnlyList<EncodedAppend> appends, CancellationToken cancellation) =>
        ExecuteEachAsync(connection, projections, appends, StatementOf, cancellation);

    /// <summary>The same for one that was left out.</summary>
    public static Task<InlineAppend> ExecuteSurelyAsync(
        NpgsqlConnection connection, IReadOnlyList<IInlineProjection> projections,
        IReadOnlyList<EncodedAppend> appends, CancellationToken cancellation) =>
        ExecuteEachAsync(connection, projections, appends, FunctionOf, cancellation);

    /// <summary>The same for all of them or nothing.</summary>
    public static async Task<InlineAppend> ExecuteWholeAsync(
        NpgsqlConnection connection, IReadOnlyList<IInlineProjection> projections,
        IReadOnlyList<EncodedAppend> appends, CancellationToken cancellation)
    {
        await using var batch = new NpgsqlBatch(connection);
        var openings = Open(batch, projections);
        batch.BatchCommands.Add(ToStreams(appends));
        await using var reader = await batch.ExecuteReaderAsync(cancellation);
        var live = await ReadLiveAsync(reader, projections, openings, cancellation);
        await reader.ReadAsync(cancellation);
        var (outcomes, positions) = (Outcomes(reader), reader.GetFieldValue<long?[]>(3));
        var times = reader.GetFieldValue<DateTime[]>(4);
        var done = new InlineAppend(live, outcomes, []);
        var before = 0;
        for (var i = 0; i < appends.Count; i++)
        {
            done.Add(i, appends[i], outcomes[i], positions.AsMemory(before, appends[i].Count), () => times[i]);
            before += appends[i].Count;
        }

        return done;
    }

    private static List<IReadOnlyList<NpgsqlBatchCommand>> Open(
        NpgsqlBatch batch, IReadOnlyList<IInlineProjection> projections)
    {
        var openings = projections.Select(projection => projection.Opening()).ToList();
        foreach (var command in openings.SelectMany(opening => opening)) batch.BatchCommands.Add(command);
        return openings;
    }

    /// <summary>The projections that take part, by what their openings gave.</summary>
    private static async Task<List<IInlineProjection>> ReadLiveAsync(
        NpgsqlDataReader reader, IReadOnlyList<IInlineProjection> projections,
        List<IReadOnlyList<NpgsqlBatchCommand>> openings, CancellationToken cancellation)
    {
        var live = new List<IInlineProjection>();
        for (var i = 0; i < openings.Count; i++)
        {
            var takesPart = openings[i].Count == 0;
            foreach (var _ in openings[i])
            {
                takesPart = await reader.ReadAsync(cancellation);
                await reader.NextResultAsync(cancellation);
            }

            if (takesPart) live.Add(projections[i]);
        }

        return live;
    }

    private static async Task<InlineAppend> ExecuteEachAsync(
        NpgsqlConnection connection, IReadOnlyList<IInlineProjection> projections,
        IReadOnlyList<EncodedAppend> appends, Func<EncodedAppend, string> statementOf, CancellationToken cancellation)
    {
        await using var batch = new NpgsqlBatch(connection);
        var openings = Open(batch, projections);
        foreach (var append in appends) batch.BatchCommands.Add(ToOneStream(append, statementOf(append)));
        await using var reader = await batch.ExecuteReaderAsync(cancellation);
        var live = await ReadLiveAsync(reader, projections, openings, cancellation);
        var done = new InlineAppend(live, new AppendOutcome[appends.Count], []);
        for (var i = 0; i < appends.Count; i++)
        {
            var outcome = await reader.ReadAsync(cancellation) ? Outcome(reader) : AppendOutcome.LeftOut;
            long?[] positions = appends[i].Count == 1 || outcome.Code != AppendOutcome.Appended
                ? [outcome.Position] : reader.GetFieldValue<long?[]>(4);
            done.Add(i, appends[i], outcome, positions, () => reader.GetDateTime(3));
            await reader.NextResultAsync(cancellation);
        }

        return done;
    }

    private static NpgsqlBatchCommand ToStreams(IReadOnlyList<EncodedAppend> appends)
    {
        var command = new NpgsqlBatchCommand(Whole);
        BindWhole(command.Parameters, appends);
        return command;
    }
}

/// <summary>What became of appends within a transaction that inline projections take part in.</summary>
/// <param name="Live">The projections that take part.</param>
/// <param name="Outcomes">One an append.</param>
/// <param name="Recorded">The events that were appended, those of a stream together and in their order.</param>
internal sealed record InlineAppend(
    List<IInlineProjection> Live, AppendOutcome[] Outcomes, List<RecordedEvent> Recorded)
{
    /// <summary>Notes an outcome; the position of every event and the time count where it was appended.</summary>
    public void Add(
        int i, EncodedAppend append, AppendOutcome outcome, ReadOnlyMemory<long?> positions, Func<DateTime> at)
    {
        Outcomes[i] = outcome;
        if (outcome.Code == AppendOutcome.Appended)
            Recorded.AddRange(append.Recorded(outcome.Version, positions, at()));
    }
}
