using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Confluent.Kafka;

namespace EventStream.Messaging.Kafka;

/// <summary>What the producers of this process have sent, could not send, and hold.</summary>
internal static class ProducerMetrics
{
    private static readonly ConcurrentDictionary<EventProducer, byte> Alive = new();

    private static readonly Counter<long> Sent = Telemetry.Meter.CreateCounter<long>(
        "messaging.client.sent.messages",
        "{message}",
        "Records acknowledged, and failed ones with their error.type."
    );

    private static readonly Histogram<double> Latency = Telemetry.Meter.CreateHistogram<double>(
        "messaging.client.operation.duration",
        "s",
        "Time from handing a record over to its acknowledgement."
    );

    static ProducerMetrics()
    {
        Telemetry.Meter.CreateObservableUpDownCounter(
            "eventstream.messaging.producer.in_flight",
            () => Alive.Keys.Sum(producer => producer.InFlight),
            "{message}",
            "Records handed to Kafka and not yet acknowledged."
        );
        Telemetry.Meter.CreateObservableUpDownCounter(
            "eventstream.messaging.producer.in_flight_bytes",
            () => Alive.Keys.Sum(producer => producer.InFlightBytes),
            "By",
            "Their bytes, about."
        );
        Telemetry.Meter.CreateObservableUpDownCounter(
            "eventstream.messaging.producer.waiting",
            () => Alive.Keys.Sum(producer => producer.Waiting),
            "{message}",
            "Records whose callers wait for a place."
        );
    }

    /// <summary>Whether somebody asks for the time that records take.</summary>
    public static bool MeasuresLatency => Latency.Enabled;

    public static void Add(EventProducer producer) => Alive.TryAdd(producer, 0);

    public static void Remove(EventProducer producer) => Alive.TryRemove(producer, out _);

    public static void Settled(string topic, Error error, TimeSpan? elapsed)
    {
        if (Sent.Enabled)
        {
            Sent.Add(
                1,
                new("messaging.destination.name", topic),
                new("error.type", error.IsError ? $"{error.Code}" : null)
            );
        }

        if (elapsed is { } taken)
        {
            Latency.Record(taken.TotalSeconds, new KeyValuePair<string, object?>("messaging.destination.name", topic));
        }
    }
}
