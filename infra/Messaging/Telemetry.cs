using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace EventStream.Messaging;

/// <summary>The platform's one source of spans and its one meter; a role's host exports both by OTLP.</summary>
public static class Telemetry
{
    /// <summary>The one activity source of the platform; every span of ours starts here.</summary>
    public static readonly ActivitySource Source = new("EventStream");

    /// <summary>The one meter of the platform; instruments are named <c>eventstream.room.what</c>.</summary>
    public static readonly Meter Meter = new("EventStream");
}
