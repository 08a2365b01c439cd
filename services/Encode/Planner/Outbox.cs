using EventStream.Contracts;

namespace EventStream.Encode.Planner;

/// <summary>A message that must be on a topic, with the id under which it is told from a repetition.</summary>
public sealed record Outgoing(Topic Topic, string Key, IMessage Message, DateTimeOffset Time, string EventId);

/// <summary>
/// What must have been published once a message is worked in. It follows from the job alone, so that after a crash
/// between storing and publishing the redelivered message publishes the same again, under the same ids.
/// </summary>
public sealed class Outbox(int audioBitsPerSecond)
{
    /// <summary>The messages owed for <paramref name="cause"/>, in the order in which they are published.</summary>
    public IEnumerable<Outgoing> For(EncodeJob job, IMessage cause) => cause switch
    {
        VideoUploaded => Commands(job, task => task.Attempt == 1),
        SourceProbed when job.PlannedAt is { } at => Commands(job, task => task.Attempt == 1).Prepend(Event(
            job,
            new EncodePlanned(job.VideoId, job.Ladder, job.FirstRung, job.SegmentSeconds, PlannedTasks(job), at),
            at, "planned")),
        EncodeTaskFailed e when job.Phase == JobPhase.Failed && e.WillRetry && job.Tasks[e.Task].Attempt == e.Attempt =>
            [Event(job, e with { WillRetry = false, Worker = EncodeJob.PlannerName }, job.EndedAt!.Value,
                $"{e.Task}/given-up")],
        EncodeTaskFailed e => Resent(job, e.Task, e.Attempt + 1, e.Cause),
        RenditionEncoded or ThumbnailsMade when job.Phase == JobPhase.Completed => [Completed(job)],
        _ => [],
    };

    /// <summary>The messages owed for a fact that the watch over quiet tasks added.</summary>
    public IEnumerable<Outgoing> ForQuiet(EncodeJob job, IEvent fact) => fact switch
    {
        EncodeTaskResent e => Resent(job, e.Task, e.Attempt, e.Reason),
        EncodeTaskFailed e => [Event(job, e, e.FailedAt, $"{e.Task}/given-up")],
        _ => [],
    };

    /// <summary>
    /// Commands of the open tasks: the first lane's before the others, lower rungs before higher ones.
    /// </summary>
    private IEnumerable<Outgoing> Commands(EncodeJob job, Func<JobTask, bool> which) =>
        job.OpenTasks.Where(which)
            .OrderBy(task => IsFirst(job, task.Name) ? 0 : 1)
            .ThenBy(task => Order(job, task.Name))
            .Select(task => Command(job, task));

    private IEnumerable<Outgoing> Resent(EncodeJob job, string name, int attempt, string reason)
    {
        if (job.OpenTasks.FirstOrDefault(task => task.Name == name) is not { } open
            || open.Attempt != attempt) yield break;
        var told = new EncodeTaskResent(job.VideoId, name, attempt, reason, open.SentAt);
        yield return Event(job, told, open.SentAt, $"{name}/{attempt}/resent/{open.SentAt.ToUnixTimeMilliseconds()}");
        yield return Command(job, open);
    }

    private Outgoing Command(EncodeJob job, JobTask task)
    {
        var prefix = EncodeTasks.OutputPrefix(job.VideoId, task.Name);
        ICommand command = task.Name switch
        {
            EncodeTasks.Probe => new ProbeSource(job.VideoId, job.SourceKey, task.SentAt, task.Attempt),
            EncodeTasks.Audio => new EncodeAudio(
                job.VideoId, job.SourceKey, job.Source!, audioBitsPerSecond, job.SegmentSeconds, prefix, task.SentAt,
                    task.Attempt),
            EncodeTasks.Thumbnails => new MakeThumbnails(
                job.VideoId, job.SourceKey, job.Source!, prefix, task.SentAt, task.Attempt),
            var rung => new EncodeRung(
                job.VideoId, job.SourceKey, job.Source!, job.Ladder.First(r =>
                    r.Name == rung), job.SegmentSeconds, prefix,
                task.SentAt, task.Attempt),
        };
        return new Outgoing(
            IsFirst(job, task.Name) ? Topics.EncodeCommandsFirst : Topics.EncodeCommands,
            EncodeTasks.CommandKey(job.VideoId, task.Name), command, task.SentAt,
            EncodeTasks.CommandId(job.VideoId, task.Name, task.Attempt));
    }

    private static Outgoing Completed(EncodeJob job)
    {
        var ended = job.EndedAt!.Value;
        var seconds = (ended - (job.PlannedAt ?? ended)).TotalSeconds;
        return Event(job, new EncodeCompleted(job.VideoId, seconds, ended), ended, "completed");
    }

    private static Outgoing Event(EncodeJob job, IEvent message, DateTimeOffset time, string what) =>
        new(Topics.EncodeEvents, job.VideoId.ToString(), message, time, $"{job.VideoId}/{what}");

    private static bool IsFirst(EncodeJob job, string task) =>
        task is EncodeTasks.Probe or EncodeTasks.Audio || task == job.FirstRung;

    private static int Order(EncodeJob job, string task) =>
        job.Ladder.TakeWhile(rung => rung.Name != task).Count();

    private static List<string> PlannedTasks(EncodeJob job) =>
        [.. job.Ladder.Select(rung => rung.Name), .. job.Tasks.Keys.Where(name =>
            name is EncodeTasks.Audio or EncodeTasks.Thumbnails)];
}
