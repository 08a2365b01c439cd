using EventStream.EventStore.Codec;
using Npgsql;

namespace EventStream.EventStore.Postgres;

/// <summary>What became of one append: an outcome as <c>append_events</c> gives it, or an error that it met.</summary>
internal readonly record struct AppendOutcome(int Code, long Version, long Position, Exception? Error = null)
{
    public const int Appended = 0;
    public const int KnownAlready = -1;
    private const int WrongVersion = 1;
    private const int Duplicate = 2;
    private const int Archived = 3;
    private const int Tombstoned = 4;

    public static AppendOutcome Failed(Exception error) => new(Appended, 0, 0, error);

    public static AppendOutcome DuplicateId => new(Duplicate, 0, 0);

    /// <summary>The result, or the typed error of what refused it.</summary>
    public AppendResult Result(EncodedAppend append) => Error is not null
        ? throw Error
        : Code switch
        {
            Appended or KnownAlready => new AppendResult(Version, Position, Code == KnownAlready),
            WrongVersion => throw new WrongExpectedVersionException(append.Stream, append.Expected, Version),
            Duplicate => throw new DuplicateEventException(append.Stream),
            Archived => throw new StreamArchivedException(append.Stream),
            Tombstoned => throw new StreamTombstonedException(append.Stream),
            _ => throw new InvalidOperationException($"append_events gave the outcome {Code}."),
        };
}

/// <summary>Binds appends to the function <c>append_events</c> and reads its answer: one round trip.</summary>
internal static class AppendCommand
{
    internal const string Append =
        "select outcomes, versions, positions from append_events($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    private const string AppendOne =
        "select outcome, last_version, last_position from append_one($1, $2, $3, $4, $5, $6, $7)";
    private const string AppendTimed =
        "select outcomes, versions, positions, drawn, times from append_events($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    internal const string Find =
        """
        select f.matches, f.last_version, f.last_position
        from streams s, find_appended(s.tenant, s.id, s.first_position, s.last_position, $3) as f
        where s.tenant = $1 and s.id = $2
        """;

    /// <summary>
    /// Appends what stands in the order of <see cref="EncodedAppend.Order"/>; whole means all or nothing.
    /// </summary>
    public static async Task<AppendOutcome[]> ExecuteAsync(
        NpgsqlDataSource source, IReadOnlyList<EncodedAppend> appends, bool whole, CancellationToken cancellation)
    {
        await using var command = source.CreateCommand(Append);
        Bind(command.Parameters, appends, whole);
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        await reader.ReadAsync(cancellation);
        return Outcomes(reader);
    }

    /// <summary>Appends one event to one stream.</summary>
    public static async Task<AppendOutcome> ExecuteAsync(
        NpgsqlDataSource source, EncodedAppend append, CancellationToken cancellation)
    {
        await using var command = source.CreateCommand(AppendOne);
        command.With(append.Tenant).With(append.Stream).With(append.Expected.Value).WithJson(append.Metadata)
            .With(append.Ids[0]).With(append.Names[0]).WithJson(append.Data[0]);
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        await reader.ReadAsync(cancellation);
        var position = reader.IsDBNull(2) ? 0 : reader.GetInt64(2);
        return new AppendOutcome(reader.GetInt32(0), reader.GetInt64(1), position);
    }

    /// <summary>
    /// Appends over a connection in a transaction, whole, with the position of every event and the time of every
    /// append. In the same round trip, before, projections open; those that say so take part.
    /// </summary>
    public static async Task<(List<IInlineProjection> Live, AppendOutcome[] Outcomes, long?[] Positions,
        DateTime[] Times)> ExecuteAsync(
        NpgsqlConnection connection, IReadOnlyList<IInlineProjection> projections,
        IReadOnlyList<EncodedAppend> appends, CancellationToken cancellation)
    {
        await using var batch = new NpgsqlBatch(connection);
        var openings = projections.Select(projection => projection.Opening()).ToList();
        foreach (var command in openings.SelectMany(opening => opening)) batch.BatchCommands.Add(command);
        var append = new NpgsqlBatchCommand(AppendTimed);
        Bind(append.Parameters, appends, true);
        batch.BatchCommands.Add(append);
        await using var reader = await batch.ExecuteReaderAsync(cancellation);
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

        await reader.ReadAsync(cancellation);
        return (live, Outcomes(reader), reader.GetFieldValue<long?[]>(3), reader.GetFieldValue<DateTime[]>(4));
    }

    /// <summary>What is known of an append whose ids are not new.</summary>
    public static async Task<AppendOutcome> FindAsync(
        NpgsqlDataSource source, EncodedAppend append, CancellationToken cancellation)
    {
        await using var command = source.CreateCommand(Find).With(append.Tenant).With(append.Stream).With(append.Ids);
        await using var row = await command.ExecuteReaderAsync(cancellation);
        return await row.ReadAsync(cancellation) && row.GetInt64(0) == append.Count
            ? new AppendOutcome(AppendOutcome.KnownAlready, row.GetInt64(1), row.GetInt64(2))
            : AppendOutcome.DuplicateId;
    }

    private static AppendOutcome[] Outcomes(NpgsqlDataReader row)
    {
        var codes = row.GetFieldValue<int[]>(0);
        var versions = row.GetFieldValue<long[]>(1);
        var positions = row.GetFieldValue<long?[]>(2);
        var outcomes = new AppendOutcome[codes.Length];
        for (var i = 0; i < codes.Length; i++)
            outcomes[i] = new AppendOutcome(codes[i], versions[i], positions[i] ?? 0);
        return outcomes;
    }

    private static void Bind(NpgsqlParameterCollection parameters, IReadOnlyList<EncodedAppend> appends, bool whole)
    {
        var alone = appends.Count == 1 ? appends[0] : null;
        parameters
            .With(Each(appends, a => a.Tenant)).With(Each(appends, a => a.Stream))
            .With(Each(appends, a => a.Expected.Value)).WithJson(Each(appends, a => a.Metadata))
            .With(Each(appends, a => a.Count))
            .With(alone?.Ids ?? [.. appends.SelectMany(a => a.Ids)])
            .With(alone?.Names ?? [.. appends.SelectMany(a => a.Names)])
            .WithJson(alone?.Data ?? [.. appends.SelectMany(a => a.Data)])
            .With(whole);
    }

    private static T[] Each<T>(IReadOnlyList<EncodedAppend> appends, Func<EncodedAppend, T> of)
    {
        var values = new T[appends.Count];
        for (var i = 0; i < values.Length; i++) values[i] = of(appends[i]);
        return values;
    }
}
