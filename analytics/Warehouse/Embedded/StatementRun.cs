using System.Threading.Channels;
using EventStream.Warehouse.Sql;

namespace EventStream.Warehouse.Embedded;

/// <summary>
/// One statement on its way through the engine. The engine blocks, so it runs on a thread of its own and passes its
/// result on in chunks through a short queue: a slow reader slows the query down instead of filling memory.
/// </summary>
internal sealed class StatementRun(EmbeddedEngine engine, ClickHouseSessions sessions, ClickHouseRequest request)
{
    /// <summary>Chunks between engine and client; each is one block of the engine's, some hundred kilobytes.</summary>
    private const int ChunkQueueDepthMax = 4;

    /// <summary>Formats without header and footer: only of these a chunk may follow a chunk.</summary>
    private static readonly HashSet<string> Streamable = new(StringComparer.OrdinalIgnoreCase)
    {
        "JSONEachRow", "JSONLines", "NDJSON", "JSONCompactEachRow", "JSONStringsEachRow", "JSONCompactStringsEachRow",
        "TabSeparated", "TSV", "TabSeparatedRaw", "TSVRaw", "CSV", "RowBinary", "LineAsString",
    };

    private readonly Channel<byte[]> chunks = Channel.CreateBounded<byte[]>(
        new BoundedChannelOptions(ChunkQueueDepthMax) { SingleReader = true, SingleWriter = true });

    private readonly string marker = $"es:{Guid.NewGuid():N}";

    /// <summary>The result; completes with the engine's exception.</summary>
    public ChannelReader<byte[]> Chunks => chunks.Reader;

    /// <summary>What it cost; known before the first chunk unless the result is streamed.</summary>
    public QuerySummary? Summary { get; private set; }

    /// <summary>Runs to the end. Never throws: a failure completes <see cref="Chunks"/>.</summary>
    public Task RunAsync(CancellationToken clientGone) => Task.Factory.StartNew(
        () => Run(clientGone), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    private void Run(CancellationToken clientGone)
    {
        // An INSERT is not killed half-way: its sender may ask again with the same token and find it done.
        using var kill = request.Statement.Kind is SqlKind.InsertData ? default : clientGone.Register(Kill);
        try
        {
            // A reader's session could hold nothing: temporary tables and SET are writes.
            if (request.SessionId is null || request.User.ReadOnly) RunAlone(clientGone);
            else RunInSession(clientGone);
            chunks.Writer.TryComplete();
        }
        catch (Exception e)
        {
            chunks.Writer.TryComplete(e);
        }
    }

    private void RunAlone(CancellationToken clientGone)
    {
        using var connection = engine.Connect();
        Prepare(connection);
        if (request.User.ReadOnly) connection.Run("SET readonly=1");
        Execute(connection, clientGone);
    }

    private void RunInSession(CancellationToken clientGone)
    {
        var session = sessions.Take(request);
        try
        {
            Prepare(session.Connection);
            Execute(session.Connection, clientGone);
        }
        finally
        {
            if (request.Settings.Count > 0) Reset(session.Connection);
            sessions.Return(session);
        }
    }

    private void Prepare(ChdbConnection connection)
    {
        if (request.Database is { } database && database != "default")
            connection.Run($"USE `{database.Replace("\\", "\\\\").Replace("`", "\\`")}`");
        if (ClickHouseSettings.Statement(request.Settings, request.User.ReadOnly) is { } set) connection.Run(set);
        connection.Run($"SET max_result_bytes={(Streams ? 0 : engine.Options.BufferedResultBytesMax)}");
    }

    /// <summary>Settings of a request do not outlive it, in a session either.</summary>
    private void Reset(ChdbConnection connection) =>
        connection.Run("SET " + string.Join(", ", request.Settings.Select(setting => $"{setting.Key}=DEFAULT")));

    private bool Streams => request.Statement.Kind == SqlKind.Select && Streamable.Contains(request.ResultFormat);

    private void Execute(ChdbConnection connection, CancellationToken clientGone)
    {
        var sql = $"{Text()}\n/*{marker}*/";
        if (!Streams)
        {
            byte[] result = [];
            Summary = connection.Run(sql, request.Format, request.Parameters, bytes => result = bytes.ToArray());
            Pass(result, clientGone);
            return;
        }

        using var stream = connection.Stream(sql, request.Format, request.Parameters);
        byte[] chunk = [];
        while (stream.Next(bytes => chunk = bytes.ToArray())) Pass(chunk, clientGone);
    }

    private string Text() => request.Rows is { } rows
        ? $"{request.Statement.Text} SELECT * "
            + $"FROM file('{rows.Path}', {ClickHouseSettings.Quote(request.Statement.Format!)})"
        : request.Statement.Text;

    private void Pass(byte[] chunk, CancellationToken clientGone)
    {
        if (chunks.Writer.TryWrite(chunk)) return;
        chunks.Writer.WriteAsync(chunk, clientGone).AsTask().GetAwaiter().GetResult();
    }

    /// <summary>
    /// KILL QUERY ... ASYNC from another connection; the form with SYNC hangs for ever in this engine.
    /// </summary>
    private void Kill()
    {
        try
        {
            engine.Control($"KILL QUERY WHERE endsWith(query, '/*{marker}*/') ASYNC");
        }
        catch (ClickHouseException)
        {
            // The statement has ended by itself meanwhile, or runs into its time limit; nobody waits for it.
        }
    }
}
