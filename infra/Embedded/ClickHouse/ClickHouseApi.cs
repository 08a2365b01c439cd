using System.Globalization;
using System.Text;
using System.Text.Json;
using EventStream.Embedded.ClickHouse.Sql;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Logging;

namespace EventStream.Embedded.ClickHouse;

/// <summary>
/// ClickHouse's HTTP interface in front of the embedded engine, as far as its clients use it: statements in URL, body
/// or form, <c>param_x</c>, settings, sessions, content codings, typed errors. Not there: block compression, progress
/// headers, external tables.
/// </summary>
internal sealed partial class ClickHouseApi(
    EmbeddedEngine engine,
    HostNames hosts,
    TimeProvider clock,
    ILogger<ClickHouseApi> logger
) : IDisposable
{
    /// <summary>An answer waits this long for its statement, so that an early failure has its status.</summary>
    private static readonly TimeSpan HeldMax = TimeSpan.FromMilliseconds(100);

    /// <summary>The same for an answer with progress in it.</summary>
    private static readonly TimeSpan HeldProgressMax = TimeSpan.FromMilliseconds(5);

    private const long HeldBytesMax = 1 << 20;

    private readonly ConcurrencyLimiter reads = new(engine.Options.ConcurrentReadsMax, engine.Options.WaitingMax);
    private readonly ConcurrencyLimiter writes = new(1, engine.Options.WaitingMax);
    private readonly ClickHouseSessions sessions = new(engine, clock);
    private readonly QueryLog log = new(engine, clock);

    public void Map(IEndpointRouteBuilder app)
    {
        // ClickHouse's own users and passwords decide here, as its clients expect.
        app.MapMethods("/ping", ["GET", "HEAD"], HandleAsync).AllowAnonymous().ExcludeFromDescription();
        app.MapMethods("/", ["GET", "HEAD", "POST"], HandleAsync).AllowAnonymous().ExcludeFromDescription();
    }

    public void Dispose()
    {
        reads.Dispose();
        writes.Dispose();
        sessions.Dispose();
    }

    private async Task HandleAsync(HttpContext context)
    {
        var gone = context.RequestAborted;
        try
        {
            hosts.Check(context.Request);
            if (IsPing(context.Request))
            {
                await context.Response.WriteAsync("Ok.\n", gone);
                return;
            }

            var user = ClickHouseUsers.Authenticate(context.Request, engine.Options);
            using var request = await ClickHouseRequest.ReadAsync(context.Request, user, engine.Options, gone);
            var reading = request.Statement.Kind is SqlKind.Select or SqlKind.Show;
            // A statement that ends others must not wait for them.
            var free = request.Statement.Tokens.Any(token => token.Is("KILL"));
            using var turn = free ? null : await (reading ? reads : writes).EnterAsync(gone);
            await RespondAsync(context, request, gone);
        }
        catch (Exception e) when (gone.IsCancellationRequested && e is OperationCanceledException or IOException)
        {
            ClientGone(logger);
        }
        catch (Exception e) when (Refusal(e) is not null)
        {
            await RefuseAsync(context, Refusal(e)!);
        }
    }

    private static bool IsPing(HttpRequest request) =>
        request.Path.StartsWithSegments("/ping")
        || HttpMethods.IsHead(request.Method)
        || (HttpMethods.IsGet(request.Method) && !request.Query.ContainsKey("query"));

    private static ClickHouseException? Refusal(Exception e) =>
        e switch
        {
            ClickHouseException known => known,
            SqlTextException => ClickHouseException.Of(ClickHouseException.SyntaxError, "SYNTAX_ERROR", e.Message),
            BadHttpRequestException => ClickHouseException.Of(
                ClickHouseException.TooManyBytes,
                "TOO_MANY_ROWS_OR_BYTES",
                e.Message
            ),
            _ when ContentCodings.IsBroken(e) => ClickHouseException.Of(
                ClickHouseException.BadArguments,
                "BAD_ARGUMENTS",
                $"The body is not what Content-Encoding says: {e.Message}"
            ),
            _ => null,
        };

    private async Task RespondAsync(HttpContext context, ClickHouseRequest request, CancellationToken gone)
    {
        var run = new StatementRun(engine, sessions, log, request);
        using var leaving = CancellationTokenSource.CreateLinkedTokenSource(gone);
        var running = run.RunAsync(leaving.Token);
        try
        {
            var held = await HoldAsync(run, request, gone);
            var tag = Guid.NewGuid().ToString("N")[..16];
            var coding = ContentCodings.ForAnswer(context.Request);
            WriteHeaders(context.Response, request, run, tag, coding);
            await CopyAsync(context.Response, held, run, coding, tag, gone);
        }
        catch
        {
            await leaving.CancelAsync();
            throw;
        }
        finally
        {
            // The request owns the rows in memory; they must stay until the engine has let go of them.
            await running;
        }
    }

    /// <summary>
    /// The first chunks: all of a short result. Throws the statement's exception when it failed until then.
    /// </summary>
    private async Task<List<byte[]>> HoldAsync(StatementRun run, ClickHouseRequest request, CancellationToken gone)
    {
        var held = new List<byte[]>();
        var most = request.WaitEnd ? engine.Options.BufferedResultBytesMax : HeldBytesMax;
        long bytes = 0;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(gone);
        try
        {
            while (await run.Chunks.WaitToReadAsync(limit.Token))
            {
                // A client that asks for progress wants the first report at once.
                var wait = ResultHeader.HasProgress(run.ResultFormat) ? HeldProgressMax : HeldMax;
                if (held.Count == 0 && !request.WaitEnd)
                    limit.CancelAfter(wait);
                while (bytes < most && run.Chunks.TryRead(out var chunk))
                {
                    held.Add(chunk);
                    bytes += chunk.Length;
                }

                if (bytes >= most)
                    break;
            }
        }
        catch (OperationCanceledException) when (!gone.IsCancellationRequested)
        {
            // The statement goes on; its first rows must not wait for the others.
        }
        catch (ClickHouseException)
            when (held.Count > 0 && !request.WaitEnd && ResultHeader.HasProgress(run.ResultFormat))
        {
            // A server has sent the first lines of such an answer by now; the error follows them.
        }

        return run.Chunks.Completion.IsCompleted && ResultHeader.HasProgress(run.ResultFormat)
            ? [ResultHeader.ProgressFirst([.. held.SelectMany(chunk => chunk)])]
            : held;
    }

    private async Task CopyAsync(
        HttpResponse response,
        List<byte[]> held,
        StatementRun run,
        string? coding,
        string tag,
        CancellationToken gone
    )
    {
        await using var body = coding is null ? response.Body : ContentCodings.Encoded(response.Body, coding);
        try
        {
            foreach (var chunk in held)
                await body.WriteAsync(chunk, gone);
            if (held.Count > 0)
                await body.FlushAsync(gone);
            await foreach (var chunk in run.Chunks.ReadAllAsync(gone))
            {
                await body.WriteAsync(chunk, gone);
                await body.FlushAsync(gone);
            }
        }
        catch (ClickHouseException e)
        {
            await body.WriteAsync(Trailer(Worded(e), tag), gone);
            await body.FlushAsync(gone);
            // A server leaves the last chunk out. Without that, a reader of binary rows could take the trailer for
            // rows that end where the result ends. Lines with progress are read to their end.
            if (!ResultHeader.HasProgress(run.ResultFormat))
                response.HttpContext.Abort();
        }
    }

    /// <summary>The sentence with the version at its end, as a server words it.</summary>
    private string Worded(ClickHouseException error) =>
        error.Message.Contains("(version ", StringComparison.Ordinal)
            ? error.Message
            : $"{error.Message} (version {engine.Version})";

    /// <summary>How a server says, since 25.11, that a query failed after its first rows were sent.</summary>
    private static byte[] Trailer(string message, string tag)
    {
        var text = Encoding.UTF8.GetByteCount(message) + 1;
        return Encoding.UTF8.GetBytes($"\r\n__exception__\r\n{tag}\r\n{message}\n{text} {tag}\r\n__exception__\r\n");
    }

    private static void WriteHeaders(
        HttpResponse response,
        ClickHouseRequest request,
        StatementRun run,
        string tag,
        string? coding
    )
    {
        response.ContentType = ContentType(run.ResultFormat);
        response.Headers["X-ClickHouse-Server-Display-Name"] = "eventstream";
        response.Headers["X-ClickHouse-Query-Id"] = request.QueryId;
        response.Headers["X-ClickHouse-Format"] = run.ResultFormat;
        response.Headers["X-ClickHouse-Timezone"] = "UTC";
        response.Headers["X-ClickHouse-Exception-Tag"] = tag;
        if (coding is not null)
            response.Headers.ContentEncoding = coding;
        response.Headers["X-ClickHouse-Summary"] = Json(run.Summary);
    }

    private static string Json(QuerySummary cost) =>
        JsonSerializer.Serialize(
            new Dictionary<string, string>
            {
                ["read_rows"] = $"{cost.RowsRead}",
                ["read_bytes"] = $"{cost.BytesRead}",
                ["written_rows"] = $"{cost.RowsWritten}",
                ["written_bytes"] = $"{cost.BytesWritten}",
                ["total_rows_to_read"] = $"{cost.RowsRead}",
                ["result_rows"] = $"{cost.ResultRows}",
                ["result_bytes"] = $"{cost.ResultBytes}",
                ["elapsed_ns"] = (cost.ElapsedSeconds * 1e9).ToString("F0", CultureInfo.InvariantCulture),
            }
        );

    private static string ContentType(string format) =>
        format.ToUpperInvariant() switch
        {
            "JSON" or "JSONCOMPACT" or "JSONSTRINGS" or "JSONCOMPACTSTRINGS" or "JSONOBJECTEACHROW" or "JSONCOLUMNS" =>
                "application/json; charset=UTF-8",
            "JSONEACHROW" or "JSONLINES" or "NDJSON" or "JSONCOMPACTEACHROW" => "application/x-ndjson; charset=UTF-8",
            "CSV" => "text/csv; charset=UTF-8; header=absent",
            "CSVWITHNAMES" => "text/csv; charset=UTF-8; header=present",
            "TABSEPARATED" or "TSV" => "text/tab-separated-values; charset=UTF-8",
            "JSONEACHROWWITHPROGRESS" => "application/x-ndjson; charset=UTF-8",
            "CSVWITHNAMESANDTYPES" => "text/csv; charset=UTF-8; header=present",
            "TABSEPARATEDWITHNAMES" or "TSVWITHNAMES" or "TABSEPARATEDWITHNAMESANDTYPES" or "TSVWITHNAMESANDTYPES" =>
                "text/tab-separated-values; charset=UTF-8",
            "XML" => "application/xml; charset=UTF-8",
            "ROWBINARY" or "ROWBINARYWITHNAMES" or "ROWBINARYWITHNAMESANDTYPES" or "NATIVE" or "PARQUET" or "ARROW" =>
                "application/octet-stream",
            _ => "text/plain; charset=UTF-8",
        };

    private async Task RefuseAsync(HttpContext context, ClickHouseException error)
    {
        Refused(logger, error.Code, error.Name, error.Message);
        if (context.Response.HasStarted)
        {
            context.Abort();
            return;
        }

        context.Response.Clear();
        context.Response.StatusCode = ClickHouseStatus.Of(error.Code);
        context.Response.ContentType = "text/plain; charset=UTF-8";
        context.Response.Headers["X-ClickHouse-Exception-Code"] = error.Code.ToString(CultureInfo.InvariantCulture);
        var coding = ContentCodings.ForAnswer(context.Request);
        if (coding is not null)
            context.Response.Headers.ContentEncoding = coding;
        await using var body = coding is null
            ? context.Response.Body
            : ContentCodings.Encoded(context.Response.Body, coding);
        await body.WriteAsync(Encoding.UTF8.GetBytes(Worded(error) + "\n"), context.RequestAborted);
    }

    [LoggerMessage(Level = LogLevel.Debug, Message = "Refused with {Code} {Name}: {Text}")]
    private static partial void Refused(ILogger logger, int code, string name, string text);

    [LoggerMessage(Level = LogLevel.Debug, Message = "The client went away; its statement is cancelled.")]
    private static partial void ClientGone(ILogger logger);
}

/// <summary>HTTP status of ClickHouse's error codes.</summary>
internal static class ClickHouseStatus
{
    private static readonly HashSet<int> SenderIsWrong =
    [
        6,
        7,
        16,
        20,
        26,
        27,
        33,
        34,
        36,
        38,
        39,
        40,
        41,
        42,
        43,
        44,
        46,
        47,
        48,
        51,
        53,
        57,
        61,
        62,
        63,
        69,
        70,
        72,
        82,
        85,
        108,
        110,
        115,
        117,
        130,
        131,
        206,
        215,
        349,
        372,
        386,
        395,
        427,
        441,
        452,
        456,
        457,
        471,
        473,
        474,
        475,
        477,
    ];

    public static int Of(int code) =>
        code switch
        {
            ClickHouseException.AuthenticationFailed or ClickHouseException.AccessDenied =>
                StatusCodes.Status403Forbidden,
            60 or 81 => StatusCodes.Status404NotFound,
            159 => StatusCodes.Status408RequestTimeout,
            ClickHouseException.TooManyBytes => StatusCodes.Status413PayloadTooLarge,
            ClickHouseException.SessionLocked => StatusCodes.Status423Locked,
            ClickHouseException.TooManyQueries => StatusCodes.Status503ServiceUnavailable,
            _ when SenderIsWrong.Contains(code) => StatusCodes.Status400BadRequest,
            _ => StatusCodes.Status500InternalServerError,
        };
}
