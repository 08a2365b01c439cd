namespace EventStream.Streams;

/// <summary>Where an application is in its life.</summary>
public enum StreamsState
{
    Starting,
    Running,

    /// <summary>State is read back from the changelogs; nothing is processed meanwhile.</summary>
    Restoring,

    /// <summary>The stream failed and is being built again.</summary>
    Recovering,

    Stopped,

    /// <summary>Partitions are being dealt among the instances; nothing is processed meanwhile.</summary>
    Rebalancing,
}

/// <summary>
/// Where an application is and what its threads do. <paramref name="Lag"/> counts records that are written and not yet
/// read; <paramref name="Error"/> is the last failure.
/// </summary>
public sealed record StreamsStatus(
    StreamsState State,
    IReadOnlyList<string> Tasks,
    long Processed,
    long Late,
    long Bad,
    long Lag,
    string? Error,
    RestoreStatus? Restore = null
);

/// <summary>
/// How many stores of this instance are read back from their changelogs, out of how many, and the records read for
/// them.
/// </summary>
public sealed record RestoreStatus(int Done, int Total, long Records);
