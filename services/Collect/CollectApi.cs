using EventStream.Collect.Body;
using EventStream.Collect.CdnLogs;
using EventStream.Collect.Cmcd;
using EventStream.Collect.Limits;
using EventStream.Contracts;
using EventStream.Hosting.Access;
using EventStream.Hosting.OpenApi;
using EventStream.Messaging.Kafka;
using EventStream.Tokens;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;

namespace EventStream.Collect;

/// <summary>
/// The routes of the collector. A 204 means that every good record of the body is stored by Kafka; bad ones beside them
/// are kept as dead letters. Reports without proof of their session are stored and marked.
/// </summary>
internal static class CollectApi
{
    private static readonly string[] CmcdTypes = ["application/cmcd", "text/cmcd", "text/plain"];
    private static readonly string[] LogTypes =
    [
        "application/x-ndjson",
        "application/ndjson",
        "application/jsonl",
        "application/json",
        "text/plain",
    ];

    public static void Map(IEndpointRouteBuilder routes, CollectOptions options)
    {
        var limit = new RequestSizeLimitAttribute(options.BodyBytesMax);
        routes
            .MapPost("/v1/cmcd", ReportAsync)
            .AllowAnonymous()
            .Describe(
                "Takes CMCD reports of a player, one a line, of the type application/cmcd.",
                400,
                413,
                415,
                429,
                503
            )
            .Takes("video", "The video that the reports are of.")
            .Takes("session", "The session, with its proof.")
            .Answers(204)
            .RequireRateLimiting(IntakeLimits.Reports)
            .WithMetadata(limit);
        routes
            .MapPost("/v1/cdn-logs", LogAsync)
            .RequireAuthorization(Policies.DeliverLogs)
            .Describe("Takes lines of an edge's access log, of the type application/x-ndjson.", 400, 413, 415, 429, 503)
            .Answers(204)
            .RequireRateLimiting(IntakeLimits.Logs)
            .WithMetadata(limit);
    }

    private static async Task<IResult> ReportAsync(
        HttpContext http,
        Intake intake,
        IntakeLimits limits,
        BeaconProof proof,
        CollectOptions options,
        TimeProvider clock
    )
    {
        var context = BeaconContext.Of(http, proof, clock);
        var body = await RecordBody.ReadAsync(http, options, CmcdTypes, LimitOptions.ReportRecordsMax);
        if (body.Refusal is { } refusal)
            return refusal;
        var read = intake.ReadBeacons(body.Records, context);
        var cost = read.Sum(record => IntakeLimits.CostOf(record.Line));
        // What cannot be read is charged to who sent it; a readable record without proof never to the session alone.
        var unproven = context.ProvenSession is null
            ? cost
            : read.Where(record => record.Message is BeaconReceived { Proven: false })
                .Sum(record => IntakeLimits.CostOf(record.Line));
        return limits.Take(http, cost, unproven)
            ?? await PublishAsync(http, intake, Topics.PlaybackBeacons, read, options);
    }

    private static async Task<IResult> LogAsync(
        HttpContext http,
        Intake intake,
        CollectOptions options,
        TimeProvider clock
    )
    {
        var body = await RecordBody.ReadAsync(http, options, LogTypes, LimitOptions.LogLinesMax);
        if (body.Refusal is { } refusal)
            return refusal;
        var source = new LogSource(http.Caller()!.Name, IsClaimed: true, clock.GetUtcNow());
        return await PublishAsync(http, intake, Topics.CdnRequests, intake.ReadLogLines(body.Records, source), options);
    }

    private static async Task<IResult> PublishAsync(
        HttpContext http,
        Intake intake,
        Topic topic,
        List<ReadRecord> read,
        CollectOptions options
    )
    {
        using var bounded = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted);
        bounded.CancelAfter(options.PublishTimeout);
        try
        {
            var result = await intake.PublishAsync(topic, read, bounded.Token);
            if (result.Taken > 0)
                return Results.NoContent();
            var detail =
                $"Record {result.FirstBadRecord}: {result.FirstCause}. "
                + "Records are kept as dead letters; correct the sender.";
            return result.Foreign > 0
                ? Problem(403, "The key is another edge's", detail)
                : Problem(400, "No record could be taken", detail);
        }
        catch (Exception e)
            when (e is PublishException or OperationCanceledException && !http.RequestAborted.IsCancellationRequested)
        {
            http.Response.Headers.RetryAfter = "5";
            return Problem(
                503,
                "Kafka does not take records now",
                "Some of the body may be stored. Send the same body again later; repeats are recognized."
            );
        }
    }

    private static IResult Problem(int status, string title, string detail) =>
        Results.Problem(statusCode: status, title: title, detail: detail);
}
