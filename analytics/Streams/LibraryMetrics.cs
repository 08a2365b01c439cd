using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Globalization;
using EventStream.Messaging;
using Streamiz.Kafka.Net.Metrics;

namespace EventStream.Streams;

/// <summary>
/// Hands the library's own measures of its threads on to our meter: the shares of a thread's time, and what it dropped.
/// </summary>
internal static class LibraryMetrics
{
    /// <summary>The library's names of what is passed on; each becomes a gauge with the same words.</summary>
    private static readonly HashSet<string> Wanted =
    [
        "poll-ratio",
        "process-ratio",
        "commit-ratio",
        "punctuate-ratio",
        "dropped-records-total",
    ];

    private static readonly ConcurrentDictionary<(string Name, string Where), double> Latest = new();

    static LibraryMetrics()
    {
        foreach (var name in Wanted)
        {
            Telemetry.Meter.CreateObservableGauge(
                $"eventstream.streams.{name.Replace('-', '_')}",
                () => Read(name),
                description: $"The stream library's {name}, by thread and task."
            );
        }
    }

    /// <summary>Takes the library's report, which comes from each thread every few seconds.</summary>
    public static void Report(IEnumerable<Sensor> sensors)
    {
        foreach (var metric in sensors.SelectMany(sensor => sensor.Metrics.Values))
        {
            if (!Wanted.Contains(metric.Name) || Number(metric.Value) is not { } value)
                continue;
            Latest[(metric.Name, string.Join('/', metric.Tags.Values))] = value;
        }
    }

    private static IEnumerable<Measurement<double>> Read(string name) =>
        Latest
            .Where(entry => entry.Key.Name == name)
            .Select(entry => new Measurement<double>(
                entry.Value,
                new KeyValuePair<string, object?>("where", entry.Key.Where)
            ));

    private static double? Number(object? value) =>
        value is IConvertible and not string ? Convert.ToDouble(value, CultureInfo.InvariantCulture) : null;
}
