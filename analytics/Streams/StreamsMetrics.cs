using System.Diagnostics.Metrics;
using EventStream.Messaging;

namespace EventStream.Streams;

/// <summary>The instruments of the room.</summary>
internal static class StreamsMetrics
{
    public static readonly Counter<long> Processed = Telemetry.Meter.CreateCounter<long>(
        "eventstream.streams.processed_records",
        description: "Records processed."
    );

    public static readonly Counter<long> Late = Telemetry.Meter.CreateCounter<long>(
        "eventstream.streams.late_records",
        description: "Records dropped because their window was closed."
    );

    public static readonly Counter<long> Bad = Telemetry.Meter.CreateCounter<long>(
        "eventstream.streams.bad_records",
        description: "Records that could not be read."
    );

    public static readonly Counter<long> Commits = Telemetry.Meter.CreateCounter<long>(
        "eventstream.streams.commits",
        description: "Commits, by outcome."
    );

    public static readonly Histogram<double> CommitTime = Telemetry.Meter.CreateHistogram<double>(
        "eventstream.streams.commit_duration",
        "s",
        "Time to commit a transaction."
    );

    public static readonly Counter<long> Restored = Telemetry.Meter.CreateCounter<long>(
        "eventstream.streams.restored_records",
        description: "Records read back from changelogs."
    );

    public static readonly Histogram<double> RestoreTime = Telemetry.Meter.CreateHistogram<double>(
        "eventstream.streams.restore_duration",
        "s",
        "Time until the state of new tasks was read back."
    );

    public static readonly Counter<long> Rebuilds = Telemetry.Meter.CreateCounter<long>(
        "eventstream.streams.rebuilds",
        description: "Streams built again after an error."
    );
}
