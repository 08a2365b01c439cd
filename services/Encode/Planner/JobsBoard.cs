using System.Collections.Concurrent;
using EventStream.EventStore;
using EventStream.EventStore.Projections;

namespace EventStream.Encode.Planner;

/// <summary>
/// Which jobs are there, and how far: the read model behind <c>/v1/jobs</c> and the watch over quiet tasks. It lives
/// in memory and is built from the event store at each start.
/// </summary>
public sealed class JobsBoard : MemoryProjection
{
    /// <summary>Ended jobs beyond this many are dropped, oldest first; the store still has them.</summary>
    public const int EndedJobsMax = 1000;

    private static readonly string Prefix = EncodeJob.Aggregate.StreamOf("");
    private readonly ConcurrentDictionary<string, EncodeJob> jobs = new(StringComparer.Ordinal);

    /// <summary>The jobs, newest first.</summary>
    public IEnumerable<EncodeJob> Jobs => jobs.Values.OrderByDescending(job => job.OpenedAt);

    protected override void Apply(IReadOnlyList<RecordedEvent> events)
    {
        foreach (var recorded in events)
        {
            if (!recorded.Stream.StartsWith(Prefix, StringComparison.Ordinal)) continue;
            jobs[recorded.Stream] =
                EncodeJob.Apply(jobs.GetValueOrDefault(recorded.Stream, EncodeJob.None), recorded.Data);
        }

        DropOldest();
    }

    private void DropOldest()
    {
        if (jobs.Count <= EndedJobsMax) return;
        var ended = jobs.Where(pair => !pair.Value.Open).ToList();
        foreach (var (stream, _) in ended.OrderByDescending(pair => pair.Value.EndedAt).Skip(EndedJobsMax))
            jobs.TryRemove(stream, out _);
    }
}
