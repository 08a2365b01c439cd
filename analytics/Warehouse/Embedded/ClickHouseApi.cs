using System.Globalization;
using System.IO.Compression;
using System.Text;
using System.Text.Json;
using EventStream.Warehouse.Sql;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Logging;

namespace EventStream.Warehouse.Embedded;

/// <summary>
/// ClickHouse's HTTP interface in front of the embedded engine, as far as its clients use it: statements in URL or
/// body, <c>param_x</c>, settings, sessions, gzip, typed errors. Not there: block compression, multipart, progress
/// headers.
/// </summary>
internal sealed partial class ClickHouseApi(EmbeddedEngine engine, TimeProvider clock, ILogger<ClickHouseApi> logger)
    : IDisposable
{
    private readonly Turnstile reads = new(engine.Options.ConcurrentReadsMax, engine.Options.WaitingMax);
    private readonly Turnstile writes = new(1, engine.Options.WaitingMax);
    private readonly ClickHouseSessions sessions = new(engine, clock);

    public void Map(IEndpointRouteBuilder app)
    {
        // ClickHouse's own users and passwords decide here, as its clients expect.
        app.MapMethods("/ping", ["GET", "HEAD"], () => Results.Text("Ok.\n")).AllowAnonymous();
        app.MapMethods("/", ["GET", "POST"], HandleAsync).AllowAnonymous();
        app.MapMethods("/", ["HEAD"], () => Results.Text("Ok.\n")).AllowAnonymous();
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
            if (HttpMethods.IsGet(context.Request.Method) && !context.Request.Query.ContainsKey("query"))
            {
                await context.Response.WriteAsync("Ok.\n", gone);
                return;
            }

            var user = ClickHouseUsers.Authenticate(context.Request, engine.Options);
            using var request = await ClickHouseRequest.ReadAsync(context.Request, user, engine.Options, gone);
            var reading = request.Statement.Kind is SqlKind.Select or SqlKind.Show;
            using var turn = await (reading ? reads : writes).EnterAsync(gone);
            await RespondAsync(context, request, gone);
        }
        catch (SqlTextException e)
        {
            await RefuseAsync(
                context, ClickHouseException.Of(ClickHouseException.SyntaxError, "SYNTAX_ERROR", e.Message));
        }
        catch (ClickHouseException e)
        {
            await RefuseAsync(context, e);
        }
        catch (BadHttpRequestException e)
        {
            await RefuseAsync(context, ClickHouseException.Of(
                ClickHouseException.TooManyBytes, "TOO_MANY_ROWS_OR_BYTES", e.Message));
        }
        catch (InvalidDataException e)
        {
            await RefuseAsync(context, ClickHouseException.Of(
                ClickHouseException.BadArguments, "BAD_ARGUMENTS",
                $"The body is not what Content-Encoding says: {e.Message}"));
        }
        catch (Exception e) when (gone.IsCancellationRequested && e is OperationCanceledException or IOException)
        {
            ClientGone(logger);
        }
    }

    private async Task RespondAsync(HttpContext context, ClickHouseRequest request, CancellationToken gone)
    {
        var run = new StatementRun(engine, sessions, request);
        var running = run.RunAsync(gone);
        try
        {
            var any = await run.Chunks.WaitToReadAsync(gone);
            var tag = Guid.NewGuid().ToString("N")[..16];
            WriteHeaders(context.Response, request, run.Summary, tag);
            if (any || request.Compress) await CopyAsync(context.Response, run, request.Compress, tag, gone);
        }
        finally
        {
            // The request owns the rows in memory; they must stay until the engine has let go of them.
            await running;
        }
    }

    private static async Task CopyAsync(
        HttpResponse response, StatementRun run, bool compress, string tag, CancellationToken gone)
    {
        await using var body = compress
            ? new GZipStream(response.Body, CompressionLevel.Fastest, leaveOpen: true)
            : response.Body;
        try
        {
            await foreach (var chunk in run.Chunks.ReadAllAsync(gone))
            {
                await body.WriteAsync(chunk, gone);
                await body.FlushAsync(gone);
            }
        }
        catch (ClickHouseException e)
        {
            await body.WriteAsync(Trailer(e.Message, tag), gone);
        }
    }

    /// <summary>How a server says, since 25.11, that a query failed after its first rows were sent.</summary>
    private static byte[] Trailer(string message, string tag)
    {
        var text = Encoding.UTF8.GetByteCount(message) + 1;
        return Encoding.UTF8.GetBytes($"\r\n__exception__\r\n{tag}\r\n{message}\n{text} {tag}\r\n__exception__\r\n");
    }

    private static void WriteHeaders(
        HttpResponse response, ClickHouseRequest request, QuerySummary? summary, string tag)
    {
        response.ContentType = ContentType(request.ResultFormat);
        response.Headers["X-ClickHouse-Server-Display-Name"] = "eventstream";
        response.Headers["X-ClickHouse-Query-Id"] = request.QueryId;
        response.Headers["X-ClickHouse-Format"] = request.ResultFormat;
        response.Headers["X-ClickHouse-Timezone"] = "UTC";
        response.Headers["X-ClickHouse-Exception-Tag"] = tag;
        if (request.Compress) response.Headers.ContentEncoding = "gzip";
        if (summary is { } cost) response.Headers["X-ClickHouse-Summary"] = Json(cost);
    }

    private static string Json(QuerySummary cost) => JsonSerializer.Serialize(new Dictionary<string, string>
    {
        ["read_rows"] = $"{cost.RowsRead}",
        ["read_bytes"] = $"{cost.BytesRead}",
        ["written_rows"] = $"{cost.RowsWritten}",
        ["written_bytes"] = $"{cost.BytesWritten}",
        ["elapsed_ns"] = (cost.ElapsedSeconds * 1e9).ToString("F0", CultureInfo.InvariantCulture),
    });

    private static string ContentType(string format) => format.ToUpperInvariant() switch
    {
        "JSON" or "JSONCOMPACT" or "JSONSTRINGS" => "application/json; charset=UTF-8",
        "JSONEACHROW" or "JSONLINES" or "NDJSON" or "JSONCOMPACTEACHROW" => "application/x-ndjson; charset=UTF-8",
        "CSV" or "CSVWITHNAMES" => "text/csv; charset=UTF-8; header=absent",
        "TABSEPARATED" or "TSV" => "text/tab-separated-values; charset=UTF-8",
        "ROWBINARY" or "NATIVE" or "PARQUET" or "ARROW" => "application/octet-stream",
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
        await context.Response.WriteAsync(error.Message + "\n", context.RequestAborted);
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
        6, 7, 16, 20, 26, 27, 33, 34, 36, 38, 39, 40, 41, 42, 43, 44, 46, 47, 48, 51, 53, 57, 61, 62, 63, 69, 70, 72,
        82, 85,
        108, 110, 115, 117, 130, 131, 206, 215, 349, 372, 386, 395, 427, 441, 452, 456, 457, 471, 473, 474, 475, 477,
    ];

    public static int Of(int code) => code switch
    {
        ClickHouseException.AuthenticationFailed or ClickHouseException.AccessDenied => StatusCodes.Status403Forbidden,
        60 or 81 => StatusCodes.Status404NotFound,
        159 => StatusCodes.Status408RequestTimeout,
        ClickHouseException.TooManyBytes => StatusCodes.Status413PayloadTooLarge,
        ClickHouseException.SessionLocked => StatusCodes.Status423Locked,
        ClickHouseException.TooManyQueries => StatusCodes.Status503ServiceUnavailable,
        _ when SenderIsWrong.Contains(code) => StatusCodes.Status400BadRequest,
        _ => StatusCodes.Status500InternalServerError,
    };
}
