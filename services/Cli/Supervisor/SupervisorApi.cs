using EventStream.Hosting.Access;
using EventStream.Hosting.OpenApi;
using EventStream.Processes;
using Microsoft.AspNetCore.Http.HttpResults;

namespace EventStream.Cli.Supervisor;

/// <summary>
/// A process of the platform. Memory in bytes, with all its descendants; the health of its roles where it has any.
/// </summary>
public sealed record ProcessStatus(
    string Name,
    IReadOnlyList<string> Roles,
    int? Pid,
    string State,
    int Restarts,
    long RssBytes,
    long PssBytes,
    IReadOnlyList<RoleHealth> Health
);

/// <summary>Asks for a number of replicas; the reason is kept with what was done.</summary>
public sealed record ScaleRequest(int? Replicas, string? Reason);

/// <summary>Why an operator starts or stops something.</summary>
public sealed record ActionRequest(string? Reason);

/// <summary>An edge and what was done with it.</summary>
public sealed record EdgeStatus(string Name, string State);

/// <summary>
/// The routes of the supervisor, for operators and for the platform's own roles. What an operator changes needs a
/// reason and becomes an event.
/// </summary>
internal static class SupervisorApi
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        routes
            .MapGet("/v1/processes", ProcessesAsync)
            .Describe("Every process of the platform with its memory and its roles' health.");
        routes.MapGet("/v1/scale/{target}", GetScale).Describe("How many replicas a target has.", 404);
        routes
            .MapPut("/v1/scale/{target}", ScaleAsync)
            .Describe("Sets the number of replicas of a target, with a reason.", 400, 404, 422);
        routes
            .MapPost(
                "/v1/edges/{name}/stop",
                (string name, ActionRequest? request, HttpContext http, Platform platform, OperatorLog log) =>
                    EdgeAsync(platform, log, http, name, request?.Reason, start: false)
            )
            .Describe("Stops an edge, with a reason.", 400, 404, 503);
        routes
            .MapPost(
                "/v1/edges/{name}/start",
                (string name, ActionRequest? request, HttpContext http, Platform platform, OperatorLog log) =>
                    EdgeAsync(platform, log, http, name, request?.Reason, start: true)
            )
            .Describe("Starts an edge, with a reason.", 400, 404, 503);
    }

    /// <summary>Every process with its memory and its roles' health; the supervisor itself comes first.</summary>
    private static async Task<Ok<IReadOnlyList<ProcessStatus>>> ProcessesAsync(
        Platform platform,
        PlatformHealth health,
        CancellationToken cancellation
    )
    {
        var said = await health.LookAsync(cancellation);
        // State and process id are read together: measuring takes a while, in which a unit may become ready.
        var units = platform.Units.Select(unit => (unit, state: unit.State, id: unit.ProcessId)).ToList();
        var ids = units.Select(entry => entry.id).OfType<int>().Append(Environment.ProcessId);
        var memory = ProcessMemory.OfTrees(ids.ToHashSet());
        ProcessStatus Status(
            string name,
            IReadOnlyList<string> roles,
            int? id,
            UnitState state,
            int restarts,
            IReadOnlyList<RoleHealth> roleHealth
        )
        {
            var used = id is { } known ? memory.GetValueOrDefault(known, ProcessMemory.None) : ProcessMemory.None;
            var word = state.ToString().ToLowerInvariant();
            var (resident, proportional) = used;
            return new ProcessStatus(name, roles, id, word, restarts, resident, proportional, roleHealth);
        }

        return TypedResults.Ok<IReadOnlyList<ProcessStatus>>([
            Status("supervisor", ["supervisor"], Environment.ProcessId, UnitState.Ready, 0, []),
            .. units.Select(entry =>
            {
                var (unit, ready) = (entry.unit.Unit, entry.state == UnitState.Ready);
                var roleHealth = ready ? said.GetValueOrDefault(unit.Name, []) : [];
                return Status(unit.Name, unit.Roles, entry.id, entry.state, entry.unit.Restarts, roleHealth);
            }),
        ]);
    }

    private static Results<Ok<ScaleStatus>, ProblemHttpResult> GetScale(string target, Platform platform) =>
        target == WorkerPool.Target ? TypedResults.Ok(platform.Workers.Status) : UnknownTarget(target);

    private static async Task<Results<Ok<ScaleStatus>, ProblemHttpResult>> ScaleAsync(
        string target,
        ScaleRequest request,
        HttpContext http,
        Platform platform,
        OperatorLog log
    )
    {
        if (target != WorkerPool.Target)
            return UnknownTarget(target);
        if (request.Replicas is not { } replicas)
            return Problem(400, "No number of replicas", "Send {\"replicas\": 2, \"reason\": \"...\"}.");
        var caller = http.Caller()!;
        // The autoscaler's own decisions are events of Capacity.
        var byHand = caller.Role != AccessRole.Service;
        if (byHand && ReasonFault(request.Reason) is { } fault)
            return fault;
        try
        {
            var reason = request.Reason ?? "no reason given";
            if (reason.Length > OperatorLog.ReasonLengthMax)
                reason = reason[..OperatorLog.ReasonLengthMax];
            var before = platform.Workers.Status.Replicas;
            var status = platform.Workers.Scale(replicas, reason);
            if (byHand)
                await log.WriteAsync("scale", target, caller, reason, $"{before} -> {replicas} replicas");
            return TypedResults.Ok(status);
        }
        catch (ArgumentOutOfRangeException e)
        {
            return Problem(422, "Replicas out of range", e.Message);
        }
    }

    private static async Task<Results<Ok<EdgeStatus>, ProblemHttpResult>> EdgeAsync(
        Platform platform,
        OperatorLog log,
        HttpContext http,
        string name,
        string? reason,
        bool start
    )
    {
        if (!platform.Edges.TryGetValue(name, out var edge))
            return Problem(404, $"No edge '{name}'", $"The edges are: {string.Join(", ", platform.Edges.Keys)}.");
        if (ReasonFault(reason) is { } fault)
            return fault;
        var error = await TryAsync(edge, start);
        var state = edge.State.ToString().ToLowerInvariant();
        var action = start ? "edge.start" : "edge.stop";
        await log.WriteAsync(action, name, http.Caller()!, reason!, error ?? $"the edge is {state}");
        return error is null
            ? TypedResults.Ok(new EdgeStatus(name, state))
            : Problem(503, $"Edge '{name}' did not start", error);
    }

    /// <summary>What went wrong, or null.</summary>
    private static async Task<string?> TryAsync(Supervised edge, bool start)
    {
        try
        {
            if (start)
                await edge.StartAsync(CancellationToken.None);
            else
                await edge.StopAsync();
            return null;
        }
        catch (CommandException e)
        {
            return e.Message;
        }
    }

    private static ProblemHttpResult? ReasonFault(string? reason)
    {
        if (string.IsNullOrWhiteSpace(reason))
            return Problem(400, "A reason is needed", "Send {\"reason\": \"...\"}: it is kept with what was done.");
        return reason.Length <= OperatorLog.ReasonLengthMax
            ? null
            : Problem(400, "The reason is too long", $"Send at most {OperatorLog.ReasonLengthMax} characters.");
    }

    private static ProblemHttpResult UnknownTarget(string target) =>
        Problem(404, $"No scaling target '{target}'", $"The only one is '{WorkerPool.Target}'.");

    private static ProblemHttpResult Problem(int status, string title, string detail) =>
        TypedResults.Problem(statusCode: status, title: title, detail: detail);
}
