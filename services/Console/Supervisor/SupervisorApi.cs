using Microsoft.AspNetCore.Http.HttpResults;

namespace EventStream.Console.Supervisor;

/// <summary>A process of the platform. Memory in bytes, with all its descendants.</summary>
public sealed record ProcessStatus(
    string Name, IReadOnlyList<string> Roles, int? Pid, string State, int Restarts, long RssBytes, long PssBytes);

/// <summary>Asks for a number of replicas; the reason is kept in the supervisor's log.</summary>
public sealed record ScaleRequest(int? Replicas, string? Reason);

/// <summary>An edge and what was done with it.</summary>
public sealed record EdgeStatus(string Name, string State);

/// <summary>The routes of the supervisor.</summary>
internal static class SupervisorApi
{
    private const int ReasonLengthMax = 500;

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/v1/processes", (Platform platform) => TypedResults.Ok(Processes(platform)));
        routes.MapGet("/v1/scale/{target}", GetScale);
        routes.MapPut("/v1/scale/{target}", Scale);
        routes.MapPost(
            "/v1/edges/{name}/stop", (string name, Platform platform) => EdgeAsync(platform, name, start: false));
        routes.MapPost(
            "/v1/edges/{name}/start", (string name, Platform platform) => EdgeAsync(platform, name, start: true));
    }

    /// <summary>Every process with its memory; the supervisor itself comes first.</summary>
    public static IReadOnlyList<ProcessStatus> Processes(Platform platform)
    {
        // State and process id are read together: measuring takes a while, in which a unit may become ready.
        var units = platform.Units.Select(unit => (unit, state: unit.State, id: unit.ProcessId)).ToList();
        var ids = units.Select(entry => entry.id).OfType<int>().Append(Environment.ProcessId);
        var memory = ProcessMemory.OfTrees(ids.ToHashSet());
        var own = memory.GetValueOrDefault(Environment.ProcessId, ProcessMemory.None);
        var self = new ProcessStatus(
            "supervisor", ["supervisor"], Environment.ProcessId, "ready", 0, own.ResidentBytes, own.ProportionalBytes);
        return [self, .. units.Select(entry => Status(entry.unit, entry.state, entry.id, memory))];
    }

    private static ProcessStatus Status(
        Supervised unit, UnitState state, int? id, IReadOnlyDictionary<int, ProcessMemory> memory)
    {
        var used = id is { } known ? memory.GetValueOrDefault(known, ProcessMemory.None) : ProcessMemory.None;
        return new ProcessStatus(
            unit.Unit.Name, unit.Unit.Roles, id, state.ToString().ToLowerInvariant(), unit.Restarts,
            used.ResidentBytes, used.ProportionalBytes);
    }

    private static Results<Ok<ScaleStatus>, ProblemHttpResult> GetScale(string target, Platform platform) =>
        target == WorkerPool.Target ? TypedResults.Ok(platform.Workers.Status) : UnknownTarget(target);

    private static Results<Ok<ScaleStatus>, ProblemHttpResult> Scale(
        string target, ScaleRequest request, Platform platform)
    {
        if (target != WorkerPool.Target) return UnknownTarget(target);
        if (request.Replicas is not { } replicas)
            return Problem(400, "No number of replicas", "Send {\"replicas\": 2, \"reason\": \"...\"}.");
        try
        {
            var reason = request.Reason ?? "no reason given";
            if (reason.Length > ReasonLengthMax) reason = reason[..ReasonLengthMax];
            return TypedResults.Ok(platform.Workers.Scale(replicas, reason));
        }
        catch (ArgumentOutOfRangeException e)
        {
            return Problem(422, "Replicas out of range", e.Message);
        }
    }

    private static async Task<Results<Ok<EdgeStatus>, ProblemHttpResult>> EdgeAsync(
        Platform platform, string name, bool start)
    {
        if (!platform.Edges.TryGetValue(name, out var edge))
            return Problem(404, $"No edge '{name}'", $"The edges are: {string.Join(", ", platform.Edges.Keys)}.");
        try
        {
            if (start) await edge.StartAsync(CancellationToken.None);
            else await edge.StopAsync();
            return TypedResults.Ok(new EdgeStatus(name, edge.State.ToString().ToLowerInvariant()));
        }
        catch (CommandException e)
        {
            return Problem(503, $"Edge '{name}' did not start", e.Message);
        }
    }

    private static ProblemHttpResult UnknownTarget(string target) =>
        Problem(404, $"No scaling target '{target}'", $"The only one is '{WorkerPool.Target}'.");

    private static ProblemHttpResult Problem(int status, string title, string detail) =>
        TypedResults.Problem(statusCode: status, title: title, detail: detail);
}
