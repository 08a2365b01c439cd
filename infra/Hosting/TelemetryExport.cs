using System.Diagnostics;
using Microsoft.Extensions.Configuration;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace EventStream.Hosting;

/// <summary>
/// OpenTelemetry of a process: traces and metrics, exported by OTLP when <c>EVENTSTREAM__OTLP__ENDPOINT</c> is set. One
/// instance serves all roles of the process, because activity listeners are process-wide.
/// </summary>
public sealed class TelemetryExport : IDisposable
{
    private readonly TracerProvider? tracerProvider;
    private readonly MeterProvider? meterProvider;
    private readonly ActivityListener? ownListener;

    private TelemetryExport(TracerProvider? traces, MeterProvider? metrics, ActivityListener? listener) =>
        (tracerProvider, meterProvider, ownListener) = (traces, metrics, listener);

    /// <summary>Starts telemetry. Without an endpoint, spans are still created so that trace context travels.</summary>
    public static TelemetryExport Start(IConfiguration configuration, string roles)
    {
        var endpoint = configuration["Otlp:Endpoint"];
        if (string.IsNullOrEmpty(endpoint)) return new TelemetryExport(null, null, Listen());
        var resource = ResourceBuilder.CreateDefault().AddService("eventstream", serviceInstanceId: roles);
        void Exporter(OtlpExporterOptions options, string path)
        {
            options.Protocol = OtlpExportProtocol.HttpProtobuf;
            options.Endpoint = new Uri(endpoint.TrimEnd('/') + path);
        }

        var traces = Sdk.CreateTracerProviderBuilder().SetResourceBuilder(resource)
            .AddSource("EventStream", "Microsoft.AspNetCore", "System.Net.Http", "Npgsql")
            .AddOtlpExporter(options => Exporter(options, "/v1/traces")).Build();
        var metrics = Sdk.CreateMeterProviderBuilder().SetResourceBuilder(resource)
            .AddMeter("EventStream", "EventStream.Broker")
            .AddMeter("Microsoft.AspNetCore.Hosting", "System.Net.Http", "Npgsql", "System.Runtime")
            .AddOtlpExporter(options => Exporter(options, "/v1/metrics")).Build();
        return new TelemetryExport(traces, metrics, null);
    }

    public void Dispose()
    {
        tracerProvider?.Dispose();
        meterProvider?.Dispose();
        ownListener?.Dispose();
    }

    private static ActivityListener Listen()
    {
        var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name is "EventStream" or "Microsoft.AspNetCore",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
        };
        ActivitySource.AddActivityListener(listener);
        return listener;
    }
}
