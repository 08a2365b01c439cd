using EventStream.EventStore.Codec;
using Npgsql;

namespace EventStream.EventStore.Postgres;

/// <summary>
/// Sends appends to PostgreSQL and answers for what it says: one that is refused harms no other, a repeated one is
/// recognised, a missing partition is made.
/// </summary>
internal sealed class Appender : IDisposable
{
    private readonly NpgsqlDataSource source;
    private readonly AppendSignal signal;
    private readonly EventPartitions partitions;
    private readonly IReadOnlyList<IInlineProjection> inline;
    private readonly AppendQueue? queue;
    private readonly AppendQueue? inlineQueue;

    public Appender(NpgsqlDataSource source, AppendSignal signal, StoreOptions options)
    {
        (this.source, this.signal, inline) = (source, signal, options.Inline);
        partitions = new EventPartitions(source);
        if (options.GroupsMax == 0) return;
        queue = new AppendQueue(SendAsync, options);
        inlineQueue = new AppendQueue(SendInlineAsync, options);
    }

    /// <summary>Appends to one stream, together with other callers where they wait.</summary>
    public async Task<AppendResult> AppendAsync(EncodedAppend append, CancellationToken cancellation)
    {
        var concerned = Concerned([append]);
        var together = concerned.Count == 0 ? queue
            : concerned.All(projection => projection.KeepsToStreams) ? inlineQueue : null;
        var outcome = together is not null
            ? await together.AppendAsync(append, cancellation)
            : (await SendAloneAsync(append, concerned.Count > 0, cancellation))[0];
        return outcome.Result(append);
    }

    /// <summary>Appends to several streams, all or nothing. The results stand in the order of the appends.</summary>
    public async Task<IReadOnlyList<AppendResult>> AppendManyAsync(
        IReadOnlyList<EncodedAppend> appends, CancellationToken cancellation)
    {
        var (sorted, places) = Sort(appends);
        try
        {
            var outcomes = await MakingPartitionsAsync(
                () => Concerned(appends).Count > 0
                    ? InTransactionAsync(sorted, AppendCommand.ExecuteWholeAsync, cancellation)
                    : AppendCommand.ExecuteWholeAsync(source, sorted, cancellation),
                cancellation);
            Appended(outcomes);
            return Results(sorted, places, outcomes);
        }
        catch (PostgresException e) when (IsDuplicateId(e))
        {
            return await FindAllAsync(appends, cancellation);
        }
        catch (PostgresException e) when (RefusalOf(e) is { } refusal)
        {
            refusal.Outcome.Result(sorted[refusal.Append]);
            throw;
        }
    }

    public void Dispose()
    {
        queue?.Dispose();
        inlineQueue?.Dispose();
    }

    private Task<AppendOutcome[]> SendAsync(IReadOnlyList<EncodedAppend> appends, CancellationToken cancellation) =>
        SendAsync(
            appends, sorted => AppendCommand.ExecuteAsync(source, sorted, cancellation),
            one => AppendCommand.ExecuteSurelyAsync(source, one[0], cancellation), cancellation);

    private Task<AppendOutcome[]> SendAloneAsync(
        EncodedAppend append, bool isInline, CancellationToken cancellation) =>
        isInline ? SendInlineAsync([append], cancellation) : SendAsync([append], cancellation);

    /// <summary>The same with the projections that are written in the transaction.</summary>
    private Task<AppendOutcome[]> SendInlineAsync(
        IReadOnlyList<EncodedAppend> appends, CancellationToken cancellation) =>
        SendAsync(
            appends, sorted => InTransactionAsync(sorted, AppendCommand.ExecuteAsync, cancellation),
            one => InTransactionAsync(one, AppendCommand.ExecuteSurelyAsync, cancellation), cancellation);

    /// <summary>
    /// Sends independent appends in one transaction. When it fails for one of them, each goes by itself; when it
    /// leaves some out, those do.
    /// </summary>
    private async Task<AppendOutcome[]> SendAsync(
        IReadOnlyList<EncodedAppend> appends, Func<EncodedAppend[], Task<AppendOutcome[]>> execute,
        Func<EncodedAppend[], Task<AppendOutcome[]>> executeAlone, CancellationToken cancellation)
    {
        var outcomes = await SendAsync(appends, execute, cancellation);
        for (var i = 0; i < outcomes.Length; i++)
        {
            if (!outcomes[i].IsLeftOut) continue;
            try
            {
                outcomes[i] = (await SendAsync([appends[i]], executeAlone, cancellation))[0];
            }
            catch (Exception e)
            {
                // There is no server to ask. That befalls those that are left; the others keep what they were told.
                for (; i < outcomes.Length; i++)
                    if (outcomes[i].IsLeftOut) outcomes[i] = AppendOutcome.Failed(e);
            }
        }

        return outcomes;
    }

    private async Task<AppendOutcome[]> SendAsync(
        IReadOnlyList<EncodedAppend> appends, Func<EncodedAppend[], Task<AppendOutcome[]>> execute,
        CancellationToken cancellation)
    {
        var (sorted, places) = Sort(appends);
        try
        {
            var outcomes = await MakingPartitionsAsync(() => execute(sorted), cancellation);
            Appended(outcomes);
            var placed = new AppendOutcome[outcomes.Length];
            for (var i = 0; i < outcomes.Length; i++) placed[places[i]] = outcomes[i];
            return placed;
        }
        catch (PostgresException e) when (appends.Count == 1)
        {
            return [IsDuplicateId(e)
                ? await AppendCommand.FindAsync(source, appends[0], cancellation)
                : RefusalOf(e)?.Outcome ?? AppendOutcome.Failed(e)];
        }
        catch (Exception e) when (e is PostgresException or not (NpgsqlException or OperationCanceledException))
        {
            // The server refused one of them, or a projection threw over one: whose fault it is shows when each is sent
            // by itself.
            return [.. appends.Select(_ => appends.Count == 1 ? AppendOutcome.Failed(e) : AppendOutcome.LeftOut)];
        }
    }

    /// <summary>
    /// Appends and has the projections apply what was appended, each of them the events of all appends at once.
    /// </summary>
    private async Task<AppendOutcome[]> InTransactionAsync(
        EncodedAppend[] appends,
        Func<NpgsqlConnection, IReadOnlyList<IInlineProjection>, IReadOnlyList<EncodedAppend>, CancellationToken,
            Task<InlineAppend>> execute, CancellationToken cancellation)
    {
        await using var connection = await source.OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        var (live, outcomes, recorded) = await execute(connection, Concerned(appends), appends, cancellation);
        foreach (var projection in live)
        {
            var its = recorded.FindAll(e => projection.Concerns(e.Stream));
            if (its.Count > 0) await projection.ApplyAsync(connection, its, cancellation);
        }

        await transaction.CommitAsync(cancellation);
        return outcomes;
    }

    private async Task<AppendOutcome[]> MakingPartitionsAsync(
        Func<Task<AppendOutcome[]>> append, CancellationToken cancellation)
    {
        try
        {
            return await append();
        }
        catch (PostgresException e) when (EventPartitions.IsMissing(e))
        {
            await partitions.EnsureAsync(cancellation);
            return await append();
        }
    }

    private async Task<IReadOnlyList<AppendResult>> FindAllAsync(
        IReadOnlyList<EncodedAppend> appends, CancellationToken cancellation)
    {
        var results = new AppendResult[appends.Count];
        for (var i = 0; i < results.Length; i++)
            results[i] = (await AppendCommand.FindAsync(source, appends[i], cancellation)).Result(appends[i]);
        return results;
    }

    private void Appended(AppendOutcome[] outcomes)
    {
        var last = 0L;
        foreach (var outcome in outcomes)
            if (outcome.Code == AppendOutcome.Appended) last = Math.Max(last, outcome.Position);
        if (last > 0) Appended(last);
    }

    private void Appended(long position)
    {
        signal.Appended();
        partitions.Appended(position);
    }

    private List<IInlineProjection> Concerned(IReadOnlyList<EncodedAppend> appends) =>
        [.. inline.Where(projection => appends.Any(append => projection.Concerns(append.Stream)))];

    private static AppendResult[] Results(EncodedAppend[] sorted, int[] places, AppendOutcome[] outcomes)
    {
        var results = new AppendResult[outcomes.Length];
        for (var i = 0; i < outcomes.Length; i++) results[places[i]] = outcomes[i].Result(sorted[i]);
        return results;
    }

    /// <summary>The appends in the order of their locks, and where each of them stood.</summary>
    private static (EncodedAppend[] Sorted, int[] Places) Sort(IReadOnlyList<EncodedAppend> appends)
    {
        EncodedAppend[] sorted = [.. appends];
        int[] places = [.. Enumerable.Range(0, sorted.Length)];
        if (sorted.Length > 1) Array.Sort(sorted, places, EncodedAppend.Order);
        return (sorted, places);
    }

    /// <summary>
    /// Whether a partition of the events refused an id; an inline projection's own tables do not count.
    /// </summary>
    private static bool IsDuplicateId(PostgresException e) =>
        e.SqlState == PostgresErrorCodes.UniqueViolation
        && e.TableName?.StartsWith("events_p", StringComparison.Ordinal) == true
        && e.ConstraintName == $"{e.TableName}_id";

    /// <summary>Which append was refused and how, when that is what the error says.</summary>
    private static (int Append, AppendOutcome Outcome)? RefusalOf(PostgresException e)
    {
        if (!e.SqlState.StartsWith("ES00", StringComparison.Ordinal)) return null;
        var words = e.MessageText.Split(' ');
        return (int.Parse(words[0]) - 1, new AppendOutcome(e.SqlState[^1] - '0', long.Parse(words[1]), 0));
    }
}
