using EventStream.Hosting;
using Npgsql;

namespace EventStream.EventStore;

/// <summary>Traces and metrics of the event store: those of Npgsql and of Marten.</summary>
public static class StoreTelemetry
{
    /// <summary>The name of Marten's activity source and of its meter.</summary>
    private const string Marten = "Marten";

    /// <summary>What a process with an event store gives to <see cref="TelemetryExport.Start"/>.</summary>
    public static Instrumentation Instrumentation { get; } =
        new(
            traces => traces.AddNpgsql().AddSource(Marten),
            metrics => metrics.AddNpgsqlInstrumentation().AddMeter(Marten)
        );
}
