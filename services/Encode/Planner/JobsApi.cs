using EventStream.Contracts;
using EventStream.Encode.Ladder;
using EventStream.EventStore;
using EventStream.Hosting.Access;
using EventStream.Hosting.OpenApi;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;

namespace EventStream.Encode.Planner;

/// <summary>
/// One task as the API shows it; fraction in 0..1, speed in media seconds per wall second. A task that joins chunks
/// stands for them, <paramref name="ChunksDone"/> of <paramref name="Chunks"/>.
/// </summary>
public sealed record TaskView(
    string Name,
    string Phase,
    int Attempt,
    string? Worker,
    double Fraction,
    double Speed,
    DateTimeOffset SentAt,
    DateTimeOffset? StartedAt,
    string? Cause,
    int? ChunksDone = null,
    int? Chunks = null
);

/// <summary>One job as the API shows it; fraction in 0..1, weighted by the pixels of the rungs.</summary>
public sealed record JobView(
    string VideoId,
    string Phase,
    double Fraction,
    SourceInfo? Source,
    string FirstRung,
    DateTimeOffset? OpenedAt,
    DateTimeOffset? PlannedAt,
    DateTimeOffset? EndedAt,
    string? Trouble,
    IReadOnlyList<TaskView> Tasks
);

/// <summary>A list of jobs, newest first.</summary>
public sealed record JobList(IReadOnlyList<JobView> Jobs);

/// <summary>The routes of the encode planner.</summary>
public static class JobsApi
{
    private const int LimitMax = 500;

    public static void MapJobs(this IEndpointRouteBuilder routes)
    {
        routes
            .MapGet("/v1/jobs", List)
            .RequireAuthorization(Policies.Analyse)
            .Describe("The newest encode jobs, in one phase or in all.", 400);
        routes
            .MapGet("/v1/jobs/{videoId}", Get)
            .RequireAuthorization(Policies.Analyse)
            .Describe("The encode job of a video, with its tasks.", 404);
    }

    /// <summary>
    /// The newest jobs, at most <paramref name="limit"/>; with <paramref name="phase"/> only those in it.
    /// </summary>
    public static async Task<Results<Ok<JobList>, ProblemHttpResult>> List(
        JobQueue queue,
        TaskHeartbeats heartbeats,
        CancellationToken cancellation,
        string? phase = null,
        int limit = 100
    )
    {
        JobPhase? wanted = null;
        if (phase is not null)
        {
            if (!Enum.TryParse<JobPhase>(phase, ignoreCase: true, out var parsed))
                return Unknown(phase);
            wanted = parsed;
        }

        var jobs = await queue.NewestAsync(wanted, Math.Clamp(limit, 1, LimitMax), cancellation);
        var running = await heartbeats.OfAsync(jobs.Where(job => job.Open).Select(job => job.Id), cancellation);
        return TypedResults.Ok(new JobList([.. jobs.Select(job => View(job, running[job.Id]))]));
    }

    /// <summary>One job, read from its stream.</summary>
    public static async Task<Results<Ok<JobView>, ProblemHttpResult>> Get(
        string videoId,
        Decider<EncodeJob> jobs,
        TaskHeartbeats heartbeats,
        CancellationToken cancellation
    )
    {
        var loaded = VideoId.TryParse(videoId, null, out var id) ? await jobs.LoadAsync(id.Value, cancellation) : null;
        return loaded is { Exists: true }
            ? TypedResults.Ok(View(loaded.State, (await heartbeats.OfAsync([id], cancellation))[id]))
            : TypedResults.Problem(
                title: "No such job",
                statusCode: StatusCodes.Status404NotFound,
                detail: $"No encode job is known for the video '{videoId}'; one begins when its upload is complete."
            );
    }

    private static ProblemHttpResult Unknown(string phase)
    {
        var phases = string.Join(", ", Enum.GetNames<JobPhase>()).ToLowerInvariant();
        return TypedResults.Problem(
            title: "Unknown phase",
            statusCode: StatusCodes.Status400BadRequest,
            detail: $"'{phase}' is not a phase; use one of {phases}."
        );
    }

    private static JobView View(EncodeJob job, IEnumerable<TaskHeartbeat> running)
    {
        var heartbeats = running.ToDictionary(heartbeat => heartbeat.Task, StringComparer.Ordinal);
        var tasks = job.Tasks.Values.Select(task => View(task, heartbeats.GetValueOrDefault(task.Name))).ToList();
        var weights = tasks.ConvertAll(task => Weight(job, task.Name));
        var fraction =
            tasks.Count == 0 ? 0
            : job.Phase == JobPhase.Completed ? 1
            : tasks.Zip(weights, (task, weight) => task.Fraction * weight).Sum() / weights.Sum();
        return new JobView(
            job.Id.ToString(),
            QueuedJob.WordOf(job.Phase),
            fraction,
            job.Source,
            job.FirstRung,
            job.OpenedAt,
            job.PlannedAt,
            job.EndedAt,
            job.Trouble,
            Joined(job, tasks)
        );
    }

    /// <summary>The tasks, with the chunks of each that joins some taken into it.</summary>
    private static IReadOnlyList<TaskView> Joined(EncodeJob job, IReadOnlyList<TaskView> tasks)
    {
        if (job.ChunkSegments is null)
            return tasks;
        var chunks = tasks.ToLookup(task => EncodeTasks.ChunkOf(task.Name)?.Join ?? "");
        return [.. chunks[""].Select(task => chunks.Contains(task.Name) ? With(task, [.. chunks[task.Name]]) : task)];
    }

    private static TaskView With(TaskView join, IReadOnlyList<TaskView> chunks)
    {
        var running = chunks.Where(chunk => chunk.Phase == QueuedJob.WordOf(TaskPhase.Running)).ToList();
        return join with
        {
            Phase = running.Count > 0 ? running[0].Phase : join.Phase,
            Attempt = chunks.Append(join).Max(task => task.Attempt),
            Fraction = chunks.Average(chunk => chunk.Fraction),
            Speed = running.Sum(chunk => chunk.Speed),
            StartedAt = chunks.Min(chunk => chunk.StartedAt) ?? join.StartedAt,
            Cause = join.Cause ?? chunks.FirstOrDefault(chunk => chunk.Cause is not null)?.Cause,
            ChunksDone = chunks.Count(chunk => chunk.Phase == QueuedJob.WordOf(TaskPhase.Done)),
            Chunks = chunks.Count,
        };
    }

    private static TaskView View(JobTask task, TaskHeartbeat? heartbeat)
    {
        var running = task.Phase == TaskPhase.Waiting && heartbeat?.Attempt >= task.Attempt ? heartbeat : null;
        var phase = running is null ? task.Phase : TaskPhase.Running;
        var fraction = phase == TaskPhase.Done ? 1 : running?.Fraction ?? 0;
        return new TaskView(
            task.Name,
            QueuedJob.WordOf(phase),
            task.Attempt,
            running?.Worker ?? task.Worker,
            fraction,
            running?.Speed ?? 0,
            task.SentAt,
            running?.StartedAt,
            task.Cause
        );
    }

    /// <summary>Work goes with the pixels of a picture; the other tasks count as the smallest of pictures.</summary>
    private static double Weight(EncodeJob job, string task)
    {
        const double smallest = 10_000;
        var chunk = job.ChunkSegments is null ? null : EncodeTasks.ChunkOf(task);
        if (job.Joins(task))
            return smallest;
        var name = chunk?.Join ?? task;
        var pixels = job.RungsOf(task).Sum(rung => (double)rung.Width * rung.Height) * CodecLadder.CostOf(task);
        var parts = chunk is null ? 1 : job.Tasks.Keys.Count(key => EncodeTasks.ChunkOf(key)?.Join == name);
        return pixels > 0 ? pixels / parts : smallest;
    }
}
