using System.IO.Pipes;
using System.Threading.Channels;
using EventStream.Embedded.ClickHouse.Sql;

namespace EventStream.Embedded.ClickHouse;

/// <summary>
/// One statement on its way through the engine. The engine blocks, so it runs on a thread of its own and passes its
/// result on in chunks through a short queue: a slow reader slows the query down instead of filling memory.
/// </summary>
internal sealed class StatementRun(
    EmbeddedEngine engine,
    ClickHouseSessions sessions,
    QueryLog log,
    ClickHouseRequest request
)
{
    /// <summary>Chunks between engine and client; each is one block of the engine's, some hundred kilobytes.</summary>
    private const int ChunkQueueDepthMax = 4;

    /// <summary>What a pipe holds: a slow reader slows the engine down.</summary>
    private const int PipeBytes = 1 << 20,
        PipeReadBytes = 256 * 1024;

    private readonly Channel<byte[]> chunks = Channel.CreateBounded<byte[]>(
        new BoundedChannelOptions(ChunkQueueDepthMax) { SingleReader = true, SingleWriter = true }
    );

    private readonly string marker = SystemTables.Marker(request.QueryId, request.User.Name);
    private DateTimeOffset? started;

    /// <summary>The result; completes with the engine's exception.</summary>
    public ChannelReader<byte[]> Chunks => chunks.Reader;

    /// <summary>What it cost until now; all of it once the chunks have ended.</summary>
    public QuerySummary Summary { get; private set; }

    /// <summary>The format of the result, known before the first chunk.</summary>
    public string ResultFormat { get; private set; } = request.Format;

    /// <summary>Runs to the end. Never throws: a failure completes <see cref="Chunks"/>.</summary>
    public Task RunAsync(CancellationToken clientGone) => OnThread(() => Run(clientGone));

    private static Task OnThread(Action action) =>
        Task.Factory.StartNew(action, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    private void Run(CancellationToken clientGone)
    {
        // An INSERT is not killed half-way: its sender may ask again with the same token and find it done.
        using var kill = request.Statement.Kind is SqlKind.InsertData ? default : clientGone.Register(Kill);
        Exception? failure = null;
        try
        {
            // A reader's session could hold nothing: temporary tables and SET are writes.
            if (request.SessionId is null || request.User.ReadOnly)
                RunAlone(clientGone);
            else
                RunInSession(clientGone);
        }
        catch (Exception e)
        {
            failure = e;
        }

        log.End(request, started, Summary, failure);
        chunks.Writer.TryComplete(failure);
    }

    private void RunAlone(CancellationToken clientGone)
    {
        using var connection = engine.Connect();
        var text = Prepare(connection);
        if (request.ReadOnlyLevel > 0)
            connection.Run($"SET readonly={request.ReadOnlyLevel}");
        Execute(connection, text, clientGone);
    }

    private void RunInSession(CancellationToken clientGone)
    {
        var session = sessions.Take(request);
        try
        {
            var text = Prepare(session.Connection);
            Execute(session.Connection, text, clientGone);
        }
        finally
        {
            if (request.Settings.Count > 0)
                Reset(session.Connection);
            sessions.Return(session);
        }
    }

    private StatementText Prepare(ChdbConnection connection)
    {
        var role = request.User.ReadOnly ? EngineUsers.Reader : EngineUsers.Writer;
        connection.Run($"SET ROLE {role}" + (request.Rows is null ? "" : $", {EngineUsers.Rows}"));
        var text = StatementText.Check(connection, engine, request);
        ResultFormat = request.Rows is null ? text.Format ?? request.Format : request.Format;
        if (text.ReadsLog)
            log.Flush();
        if (request.Database is { } database && database != "default")
            connection.Run($"USE `{database.Replace("\\", "\\\\").Replace("`", "\\`")}`");
        if (!text.IsSelect)
            connection.Run($"SET max_result_bytes={engine.Options.BufferedResultBytesMax}");
        if (ResultHeader.HasProgress(ResultFormat))
            connection.Run($"SET interactive_delay={EngineUsers.ProgressMicrosecondsMin}");
        if (ClickHouseSettings.Statement(request.Settings, engine.Options) is { } set)
            connection.Run(set);
        started = log.Start(request);
        return text;
    }

    /// <summary>Settings of a request do not outlive it, in a session either.</summary>
    private void Reset(ChdbConnection connection) =>
        connection.Run("SET " + string.Join(", ", request.Settings.Select(setting => $"{setting.Key}=DEFAULT")));

    private void Execute(ChdbConnection connection, StatementText text, CancellationToken clientGone)
    {
        if (!text.IsSelect)
            Whole(connection, text, clientGone);
        else if (ResultHeader.IsChunked(ResultFormat) && !text.HasTotals && !AsksExtremes)
            InChunks(connection, text, clientGone);
        else
            ThroughPipe(connection, text, clientGone);
    }

    private bool AsksExtremes => request.Settings.Exists(setting => setting.Key == "extremes");

    private void Whole(ChdbConnection connection, StatementText text, CancellationToken clientGone)
    {
        var sql = request.Rows is null ? $"{text.Text()}\n{marker}" : Insert(request.Rows, text.Text());
        Pass(connection.Run(sql, request.Format, request.Parameters), clientGone);
    }

    /// <summary>
    /// Rows come from a file in memory; the engine cuts data inside a statement at a semicolon before a line break.
    /// Checked expressions of VALUES are part of the statement, because they may use its parameters.
    /// </summary>
    private string Insert(MemoryFile rows, string head) =>
        request.Expressions is { } expressions
            ? $"{head} VALUES {expressions}"
            : $"{head} SELECT * FROM file('{rows.Path}', "
                + $"{ClickHouseSettings.Quote(request.Statement.Format!)})\n{marker}";

    private void InChunks(ChdbConnection connection, StatementText text, CancellationToken clientGone)
    {
        var first = true;
        foreach (var part in connection.Stream($"{text.Text()}\n{marker}", ResultFormat, request.Parameters))
        {
            var header = first || part.Bytes.Length == 0 ? 0 : ResultHeader.Length(ResultFormat, part.Bytes);
            Pass(header == 0 ? part : part with { Bytes = part.Bytes[header..] }, clientGone);
            first = false;
        }
    }

    /// <summary>A document with a beginning and an end is written by the engine as one, into a pipe.</summary>
    private void ThroughPipe(ChdbConnection connection, StatementText text, CancellationToken clientGone)
    {
        using var pipe = new AnonymousPipeServerStream(PipeDirection.In, HandleInheritability.None, PipeBytes);
        var reading = OnThread(() => ReadAll(pipe, clientGone));
        try
        {
            var path = $"/proc/self/fd/{pipe.ClientSafePipeHandle.DangerousGetHandle()}";
            var sql = $"{text.Text(path, ResultFormat)}\n{marker}";
            Summary = connection.Run(sql, ResultFormat, request.Parameters).Summary;
        }
        finally
        {
            // The engine has closed its own end; now the pipe ends.
            pipe.DisposeLocalCopyOfClientHandle();
            _ = Task.WhenAny(reading).GetAwaiter().GetResult();
        }

        reading.GetAwaiter().GetResult();
    }

    private void ReadAll(AnonymousPipeServerStream pipe, CancellationToken clientGone)
    {
        // Where a chunk cannot be passed on, the closed pipe ends the engine's writing.
        using (pipe)
        {
            var buffer = new byte[PipeReadBytes];
            while (pipe.Read(buffer) is var length and > 0)
                Pass(buffer[..length], clientGone);
        }
    }

    private void Pass(QueryResult part, CancellationToken clientGone)
    {
        Summary += part.Summary;
        if (part.Bytes.Length > 0)
            Pass(part.Bytes, clientGone);
    }

    private void Pass(byte[] chunk, CancellationToken clientGone)
    {
        if (!chunks.Writer.TryWrite(chunk))
            chunks.Writer.WriteAsync(chunk, clientGone).AsTask().GetAwaiter().GetResult();
    }

    /// <summary>
    /// KILL QUERY ... ASYNC from another connection; the form with SYNC never returns in this engine.
    /// </summary>
    private void Kill()
    {
        try
        {
            engine.Control($"KILL QUERY WHERE endsWith(query, '{marker}') ASYNC");
        }
        catch (ClickHouseException)
        {
            // The statement has ended by itself meanwhile, or runs into its time limit; nobody waits for it.
        }
    }
}
