using System.Globalization;
using System.Text;
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
    private readonly StatementQueue reads = new(engine.Options.ConcurrentReadsMax, engine.Options.WaitingMax);
    private readonly StatementQueue writes = new(1, engine.Options.WaitingMax);
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
            // A statement that ends others must not wait for them.
            var free = request.Statement.Tokens.Any(token => token.Is("KILL"));
            using var turn = free
                ? null
                : await (request.Statement.Kind == SqlKind.Read ? reads : writes).EnterAsync(gone);
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
            SqlTextException => new ClickHouseException(ClickHouseError.SyntaxError, e.Message),
            BadHttpRequestException => new ClickHouseException(ClickHouseError.TooManyRowsOrBytes, e.Message),
            _ when ContentCodings.IsBroken(e) => new ClickHouseException(
                ClickHouseError.BadArguments,
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
            await new ClickHouseAnswer(engine, request, run).SendAsync(context, gone);
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
        await using var body = ContentCodings.Encoded(context);
        await body.WriteAsync(Encoding.UTF8.GetBytes(error.Worded(engine.Version) + "\n"), context.RequestAborted);
    }

    [LoggerMessage(Level = LogLevel.Debug, Message = "Refused with {Code} {Name}: {Text}")]
    private static partial void Refused(ILogger logger, int code, string name, string text);

    [LoggerMessage(Level = LogLevel.Debug, Message = "The client went away; its statement is cancelled.")]
    private static partial void ClientGone(ILogger logger);
}
