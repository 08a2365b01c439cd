using System.Text;
using EventStream.Collect.Cmcd;
using EventStream.Hosting.Access;
using EventStream.Messaging.Kafka;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;

namespace EventStream.Collect;

/// <summary>
/// The routes of the collector. A 204 means that every good record of the body is stored by Kafka; malformed ones
/// beside them are kept as dead letters.
/// </summary>
public static class CollectApi
{
    private static readonly string[] CmcdTypes = ["application/cmcd", "text/cmcd", "text/plain"];
    private static readonly string[] LogTypes = ["application/x-ndjson", "application/json", "text/plain"];

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapPost("/v1/cmcd", ReportAsync).AllowAnonymous();
        routes.MapPost("/v1/cdn-logs", LogAsync).RequireAuthorization(Policies.DeliverLogs);
    }

    private static async Task<IResult> ReportAsync(
        HttpContext http, Intake intake, CollectOptions options, TimeProvider clock)
    {
        var query = http.Request.Query;
        var context = new BeaconContext(
            Short(query["video"]), Short(query["player"]) ?? "", Short(query["region"]) ?? "",
            DeviceClass.Of(http.Request.Headers.UserAgent), clock.GetUtcNow());
        return await TakeAsync(
            http, options, CmcdTypes, (lines, cancellation) => intake.BeaconsAsync(lines, context, cancellation));
    }

    private static Task<IResult> LogAsync(HttpContext http, Intake intake, CollectOptions options) =>
        TakeAsync(http, options, LogTypes, intake.LogLinesAsync);

    private static async Task<IResult> TakeAsync(
        HttpContext http, CollectOptions options, string[] types,
        Func<IReadOnlyList<string>, CancellationToken, Task<IntakeResult>> take)
    {
        var type = http.Request.ContentType?.Split(';')[0].Trim().ToLowerInvariant();
        if (!types.Contains(type))
            return Problem(415, $"'{type}' is not taken here", $"Send the records as {types[0]}, one a line.");
        if (await ReadLinesAsync(http, options.BodyBytesMax) is not { } lines)
            return Problem(413, "The body is too large",
                $"Send at most {options.BodyBytesMax} bytes; split the batch.");
        if (lines.Count == 0) return Problem(400, "The body is empty", "Send one record a line.");
        using var bounded = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted);
        bounded.CancelAfter(options.PublishTimeout);
        try
        {
            var result = await take(lines, bounded.Token);
            return result.Taken > 0
                ? Results.NoContent()
                : Problem(400, "No record could be read", $"Line {result.FirstBadLine}: {result.FirstCause}. "
                    + "Records are kept as dead letters; correct the sender.");
        }
        catch (Exception e)
            when (e is PublishException or OperationCanceledException && !http.RequestAborted.IsCancellationRequested)
        {
            http.Response.Headers.RetryAfter = "5";
            return Problem(503, "Kafka does not take records now",
                "Send the same body again later; repeats are recognized.");
        }
    }

    private static async Task<List<string>?> ReadLinesAsync(HttpContext http, int bytesMax)
    {
        var limit = http.Features.Get<IHttpMaxRequestBodySizeFeature>();
        if (limit is { IsReadOnly: false }) limit.MaxRequestBodySize = bytesMax;
        if (http.Request.ContentLength > bytesMax) return null;
        try
        {
            using var reader = new StreamReader(http.Request.Body, Encoding.UTF8);
            var lines = new List<string>();
            while (await reader.ReadLineAsync(http.RequestAborted) is { } line)
            {
                if (line.AsSpan().Trim().Length > 0) lines.Add(line.Trim());
            }

            return lines;
        }
        catch (BadHttpRequestException e) when (e.StatusCode == StatusCodes.Status413PayloadTooLarge)
        {
            return null;
        }
    }

    /// <summary>Words from a query are kept short, so that nobody can grow our keys without bound.</summary>
    private static string? Short(string? text) => string.IsNullOrEmpty(text) ? null : text[..Math.Min(64, text.Length)];

    private static IResult Problem(int status, string title, string detail) =>
        Results.Problem(statusCode: status, title: title, detail: detail);
}
