using EventStream.Streams;

namespace EventStream.Qoe;

/// <summary>Says whether the stream does its work, and if not why. Safe to ask from many threads.</summary>
internal sealed class StreamWatch(TimeProvider clock)
{
    /// <summary>Records may wait this long without one being processed.</summary>
    public static readonly TimeSpan StandstillMax = TimeSpan.FromSeconds(30);

    private readonly Lock gate = new();
    private long processed = -1;
    private long movedAt = clock.GetTimestamp();

    /// <summary>Null for a stream that works, else a sentence for the operator.</summary>
    public string? Judge(StreamsStatus status) =>
        status.State switch
        {
            StreamsState.Starting => "The stream is starting: its topics are made and its partitions assigned.",
            StreamsState.Restoring => "The stream reads the state of its partitions back from the changelogs: "
                + $"{status.Restore?.Done ?? 0} of {status.Restore?.Total ?? 0} stores are done.",
            StreamsState.Rebalancing => "The partitions are being dealt among the instances.",
            StreamsState.Recovering => $"The stream failed and is started again. {status.Error}",
            StreamsState.Stopped => "The stream is stopped.",
            _ when status.Tasks.Count == 0 =>
                "No partition is assigned: the group is being balanced, or has more instances than partitions.",
            _ => Standstill(status),
        };

    private string? Standstill(StreamsStatus status)
    {
        lock (gate)
        {
            if (status.Lag == 0 || status.Processed != processed)
                (processed, movedAt) = (status.Processed, clock.GetTimestamp());
            var still = clock.GetElapsedTime(movedAt);
            return still < StandstillMax
                ? null
                : $"{status.Lag} records wait and none has been processed for {still.TotalSeconds:0} s.";
        }
    }
}
