using EventStream.EventStore.Codec;
using Npgsql;

namespace EventStream.EventStore.Postgres;

/// <summary>
/// Binds appends to the statements of <see cref="OneEvent"/> and the functions <c>append_one</c>,
/// <c>append_stream</c>, <c>append_group</c> and <c>append_events</c> and reads their answers: one round trip.
/// </summary>
internal static partial class AppendCommand
{
    internal const string Find =
        """
        select f.matches, f.last_version, f.last_position
        from streams s, find_appended(s.tenant, s.id, s.first_position, s.last_position, $3) as f
        where s.tenant = $1 and s.id = $2
        """;
    private const string One =
        "select outcome, last_version, last_position, recorded from append_one($1, $2, $3, $4, $5, $6, $7)";
    private const string Stream =
        "select outcome, last_version, last_position, recorded, drawn from append_stream($1, $2, $3, $4, $5, $6, $7)";
    private const string Group =
        "select numbers, versions, positions from append_group($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    private const string Whole =
        "select outcomes, versions, positions, drawn, times from append_events($1, $2, $3, $4, $5, $6, $7, $8, true)";

    /// <summary>
    /// Appends what stands in the order of <see cref="EncodedAppend.Order"/> in one transaction. Each has its own
    /// outcome, unless PostgreSQL raises an error, which undoes all of them. Those that are
    /// <see cref="AppendOutcome.IsLeftOut"/> are to be sent surely, one by one, which tells more.
    /// </summary>
    public static Task<AppendOutcome[]> ExecuteAsync(
        NpgsqlDataSource source, IReadOnlyList<EncodedAppend> appends, CancellationToken cancellation) =>
        appends.Count > 1 && (AreAll(appends, expected => expected > 0) || AreAll(appends, expected => expected == 0))
            ? ExecuteGroupAsync(source, appends, cancellation)
            : ExecuteEachAsync(source, appends, StatementOf, cancellation);

    /// <summary>Appends one that was left out, or has PostgreSQL say why not.</summary>
    public static Task<AppendOutcome[]> ExecuteSurelyAsync(
        NpgsqlDataSource source, EncodedAppend append, CancellationToken cancellation) =>
        ExecuteEachAsync(source, [append], FunctionOf, cancellation);

    /// <summary>
    /// Appends what stands in the order of <see cref="EncodedAppend.Order"/>, all of it or nothing.
    /// </summary>
    public static async Task<AppendOutcome[]> ExecuteWholeAsync(
        NpgsqlDataSource source, IReadOnlyList<EncodedAppend> appends, CancellationToken cancellation)
    {
        await using var command = source.CreateCommand(Whole);
        BindWhole(command.Parameters, appends);
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        await reader.ReadAsync(cancellation);
        return Outcomes(reader);
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

    private static bool AreAll(IReadOnlyList<EncodedAppend> appends, Func<long, bool> expects) =>
        appends.All(append => expects(append.Expected.Value));

    private static async Task<AppendOutcome[]> ExecuteGroupAsync(
        NpgsqlDataSource source, IReadOnlyList<EncodedAppend> appends, CancellationToken cancellation)
    {
        await using var command = source.CreateCommand(Group);
        BindStreams(command.Parameters, appends);
        var before = 0;
        command.Parameters.With(Each(appends, a => (before += a.Count) - a.Count));
        BindEvents(command.Parameters, appends);
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        await reader.ReadAsync(cancellation);
        var outcomes = new AppendOutcome[appends.Count];
        Array.Fill(outcomes, AppendOutcome.LeftOut);
        if (await reader.IsDBNullAsync(0, cancellation)) return outcomes;
        var (versions, positions) = (reader.GetFieldValue<long[]>(1), reader.GetFieldValue<long[]>(2));
        foreach (var (i, number) in reader.GetFieldValue<int[]>(0).Index())
            outcomes[number - 1] = new AppendOutcome(AppendOutcome.Appended, versions[i], positions[i]);
        return outcomes;
    }

    private static async Task<AppendOutcome[]> ExecuteEachAsync(
        NpgsqlDataSource source, IReadOnlyList<EncodedAppend> appends, Func<EncodedAppend, string> statementOf,
        CancellationToken cancellation)
    {
        await using var batch = source.CreateBatch();
        foreach (var append in appends) batch.BatchCommands.Add(ToOneStream(append, statementOf(append)));
        await using var reader = await batch.ExecuteReaderAsync(cancellation);
        var outcomes = new AppendOutcome[appends.Count];
        for (var i = 0; i < outcomes.Length; i++)
        {
            outcomes[i] = await reader.ReadAsync(cancellation) ? Outcome(reader) : AppendOutcome.LeftOut;
            await reader.NextResultAsync(cancellation);
        }

        return outcomes;
    }

    private static AppendOutcome Outcome(NpgsqlDataReader row) =>
        new(row.GetInt32(0), row.GetInt64(1), row.IsDBNull(2) ? 0 : row.GetInt64(2));

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

    private static string StatementOf(EncodedAppend append) => OneEvent.StatementOf(append) ?? FunctionOf(append);

    private static string FunctionOf(EncodedAppend append) => append.Count == 1 ? One : Stream;

    private static NpgsqlBatchCommand ToOneStream(EncodedAppend append, string statement)
    {
        var command = new NpgsqlBatchCommand(statement);
        command.Parameters.With(append.Tenant).With(append.Stream).With(append.Expected.Value)
            .WithJson(append.Metadata);
        if (append.Count == 1)
            command.Parameters.With(append.Ids[0]).With(append.Names[0]).WithJson(append.Data[0]);
        else
            command.Parameters.With(append.Ids).With(append.Names).WithJson(append.Data);
        return command;
    }

    private static void BindWhole(NpgsqlParameterCollection parameters, IReadOnlyList<EncodedAppend> appends)
    {
        BindStreams(parameters, appends);
        BindEvents(parameters, appends);
    }

    private static void BindStreams(NpgsqlParameterCollection parameters, IReadOnlyList<EncodedAppend> appends) =>
        parameters.With(Each(appends, a => a.Tenant)).With(Each(appends, a => a.Stream))
        .With(Each(appends, a => a.Expected.Value)).WithJson(Each(appends, a => a.Metadata))
        .With(Each(appends, a => a.Count));

    private static void BindEvents(NpgsqlParameterCollection parameters, IReadOnlyList<EncodedAppend> appends) =>
        parameters.With<Guid[]>([.. appends.SelectMany(a => a.Ids)])
        .With<string[]>([.. appends.SelectMany(a => a.Names)])
        .WithJson([.. appends.SelectMany(a => a.Data)]);

    private static T[] Each<T>(IReadOnlyList<EncodedAppend> appends, Func<EncodedAppend, T> of)
    {
        var values = new T[appends.Count];
        for (var i = 0; i < values.Length; i++) values[i] = of(appends[i]);
        return values;
    }
}
