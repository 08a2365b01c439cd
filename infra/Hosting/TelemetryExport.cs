using System.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace EventStream.Hosting;

/// <summary>
/// Traces and metrics that a room adds to those of every process, such as the event store those of its database.
/// </summary>
public sealed record Instrumentation(
    Func<TracerProviderBuilder, TracerProviderBuilder> Traces,
    Func<MeterProviderBuilder, MeterProviderBuilder> Metrics
);

/// <summary>
/// OpenTelemetry of a process: traces and metrics, exported by OTLP when <c>EVENTSTREAM__OTLP__ENDPOINT</c> is set. One
/// instance serves all roles of the process, because activity sources and meters are process-wide.
/// </summary>
public sealed class TelemetryExport : IDisposable
{
    /// <summary>
    /// Below this path an edge takes media with a viewer's token in the next segments. No role serves it, but a player
    /// that is sent to the wrong address asks a role for it.
    /// </summary>
    private const string SignedPath = "/s/";

    private readonly IReadOnlyList<IDisposable> parts;

    private TelemetryExport(params IReadOnlyList<IDisposable> parts) => this.parts = parts;

    /// <summary>
    /// Starts telemetry, with what <paramref name="rooms"/> add. Without an endpoint nothing is recorded, but spans are
    /// still created so that trace context travels.
    /// </summary>
    public static TelemetryExport Start(
        IConfiguration configuration,
        string roles,
        params IReadOnlyList<Instrumentation> rooms
    )
    {
        var endpoint = configuration["Otlp:Endpoint"];
        if (string.IsNullOrEmpty(endpoint))
            return new TelemetryExport(PropagateOnly());
        var resource = ResourceBuilder.CreateDefault().AddService("eventstream", serviceInstanceId: roles);
        void Exporter(OtlpExporterOptions options, string path)
        {
            options.Protocol = OtlpExportProtocol.HttpProtobuf;
            options.Endpoint = new Uri(endpoint.TrimEnd('/') + path);
        }

        var traces = Sdk.CreateTracerProviderBuilder()
            .SetResourceBuilder(resource)
            .AddSource("EventStream")
            .AddAspNetCoreInstrumentation(options =>
            {
                // Whether a role is alive is asked every few seconds, which would bury the requests that matter.
                options.Filter = context =>
                    !context.Request.Path.StartsWithSegments("/health", StringComparison.Ordinal);
                options.EnrichWithHttpRequest = HideToken;
            })
            .AddHttpClientInstrumentation();
        var metrics = Sdk.CreateMeterProviderBuilder()
            .SetResourceBuilder(resource)
            .AddMeter("EventStream", "EventStream.Broker")
            .AddAspNetCoreInstrumentation()
            .AddHttpClientInstrumentation()
            .AddRuntimeInstrumentation();
        foreach (var room in rooms)
            (traces, metrics) = (room.Traces(traces), room.Metrics(metrics));
        return new TelemetryExport(
            traces.AddOtlpExporter(options => Exporter(options, "/v1/traces")).Build(),
            metrics.AddOtlpExporter(options => Exporter(options, "/v1/metrics")).Build()
        );
    }

    public void Dispose()
    {
        foreach (var part in parts)
            part.Dispose();
    }

    /// <summary>Values of a query string are redacted by the package; a token in a path is not.</summary>
    private static void HideToken(Activity span, HttpRequest request)
    {
        if (request.Path.StartsWithSegments(SignedPath.TrimEnd('/'), StringComparison.Ordinal))
            span.SetTag("url.path", SignedPath);
    }

    private static ActivityListener PropagateOnly()
    {
        var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name is "EventStream" or "Microsoft.AspNetCore",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.PropagationData,
        };
        ActivitySource.AddActivityListener(listener);
        return listener;
    }
}
