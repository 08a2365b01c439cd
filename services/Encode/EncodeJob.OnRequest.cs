using System.Text.Json.Serialization;
using EventStream.Contracts;

namespace EventStream.Encode;

/// <summary>
/// The rungs that are made when a viewer comes. The video is published without them; where nobody comes for long they
/// are evicted, until the next viewer.
/// </summary>
public sealed partial record EncodeJob
{
    /// <summary>Rungs that are made on request, whether they are there or not.</summary>
    public IReadOnlyList<Rung> Deferred { get; init; } = [];

    /// <summary>How often they were evicted. What is made after that goes to other folders.</summary>
    public int Evictions { get; init; }

    /// <summary>Those that are neither made nor on their way.</summary>
    [JsonIgnore]
    public IEnumerable<Rung> Unrequested => Deferred.Where(rung => !Tasks.ContainsKey(rung.Name));

    /// <summary>The commands that follow from a viewer; none where everything is made or on its way.</summary>
    public IEnumerable<IMessage> DecideRequest(JobRules rules, DateTimeOffset now)
    {
        var rungs = Unrequested.ToList();
        if (rungs.Count == 0 || Phase is not (JobPhase.Encoding or JobPhase.Completed))
            return [];
        var requested = new EncodeRungsRequested(Id, rungs, now);
        var job = Fold(requested);
        return [requested, .. rungs.Select(rung => job.Command(rung.Name, rules))];
    }

    /// <summary>What follows where no viewer came for long; nothing while the job is busy.</summary>
    public IEnumerable<IMessage> DecideEviction(DateTimeOffset now)
    {
        var there = Deferred.Where(rung => Tasks.ContainsKey(rung.Name)).Select(rung => rung.Name).ToList();
        return Phase != JobPhase.Completed || Open || there.Count == 0
            ? []
            : [new EncodeRungsEvicted(Id, there, [.. there.Select(PrefixOf)], now)];
    }

    private bool IsDeferred(string task) => Deferred.Any(rung => rung.Name == task);

    /// <summary>The ladder without the rungs that are made on request, and those; the first one stays.</summary>
    private static (IReadOnlyList<Rung> Ladder, IReadOnlyList<Rung> Deferred) Split(
        IReadOnlyList<Rung> ladder,
        string first,
        JobRules rules
    )
    {
        var deferred = ladder
            .Where(rung => rules.OnRequestAbove > 0 && rung.Height > rules.OnRequestAbove && rung.Name != first)
            .ToList();
        return ([.. ladder.Except(deferred)], deferred);
    }

    private IEnumerable<IMessage> Deferring(IReadOnlyList<Rung> deferred, DateTimeOffset now) =>
        deferred.Count == 0 ? [] : [new EncodeRungsDeferred(Id, deferred, now)];

    private string PrefixOf(string rung) =>
        EncodeTasks.OutputPrefix(Id, Evictions > 0 && IsDeferred(rung) ? $"{rung}.{Evictions}" : rung);

    private EncodeJob Requested(EncodeRungsRequested requested) =>
        this with
        {
            Ladder = [.. Ladder, .. requested.Rungs],
            Tasks = Tasks.AddRange(
                requested.Rungs.Select(rung =>
                    KeyValuePair.Create(
                        rung.Name,
                        new JobTask(
                            rung.Name,
                            TaskPhase.Waiting,
                            1,
                            requested.RequestedAt,
                            KnownAt: requested.RequestedAt
                        )
                    )
                )
            ),
        };

    private EncodeJob Evicted(EncodeRungsEvicted evicted) =>
        this with
        {
            Ladder = [.. Ladder.Where(rung => !evicted.Rungs.Contains(rung.Name))],
            Tasks = Tasks.RemoveRange(evicted.Rungs),
            Evictions = Evictions + 1,
        };
}
