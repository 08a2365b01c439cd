using System.Diagnostics.Metrics;
using EventStream.Messaging;

namespace EventStream.Streams;

/// <summary>The instruments of the library.</summary>
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
}
