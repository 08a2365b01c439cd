using System.Globalization;
using System.Runtime.InteropServices;
using EventStream.Messaging.Kafka;
using EventStream.Streams;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace EventStream.Tests.Integration.Streams.Faults;

/// <summary>
/// An instance of the counting stream: numbers of a key are counted and summed in windows, which leave when stream time
/// has passed them. It runs on the platform's host, clients and stores, and ends with its input.
/// </summary>
internal static class CountProgram
{
    public static void Run(string bootstrap, string instance, CountSettings settings, CancellationToken end)
    {
        using var leave = CancellationTokenSource.CreateLinkedTokenSource(end);
        using var term = PosixSignalRegistration.Create(PosixSignal.SIGTERM, signal =>
        {
            signal.Cancel = true;
            leave.Cancel();
        });
        var stop = leave.Token;
        var kafka = new KafkaOptions { Bootstrap = bootstrap };
        using var log = LoggerFactory.Create(builder => builder.AddConsole().SetMinimumLevel(LogLevel.Warning));
        using var app = new StreamsApp(
            Topology(settings, stop), Options(instance, settings), kafka,
            new TopicAdmin(kafka, NullLogger<TopicAdmin>.Instance), TimeProvider.System,
            log.CreateLogger<StreamsApp>());
        app.StartAsync(CancellationToken.None).GetAwaiter().GetResult();
        stop.WaitHandle.WaitOne();
        app.StopAsync(CancellationToken.None).GetAwaiter().GetResult();
    }

    private static Topology Topology(CountSettings settings, CancellationToken stop)
    {
        var pace = new Pace(settings.Pace, stop);
        var builder = new StreamBuilder();
        builder
            .Stream(settings.Input, new Consumed<string, long>(Serdes.Text, Number))
            .GroupByKey(new Repartitioned<string, long>("none", Serdes.Text, Number))
            .WindowedBy(new TimeWindows(
                TimeSpan.FromMilliseconds(settings.WindowMs), TimeSpan.FromMilliseconds(settings.GraceMs)))
            .SuppressUntilWindowCloses()
            .Aggregate(
                () => "0|0",
                (_, number, sum) => { pace.Count(); return Add(sum, number); },
                new Materialized<string, string>("counts", Serdes.Text, Serdes.Text))
            .ToStream()
            .Map((window, sum) => KeyValuePair.Create(
                window.Key, $"{window.Start.ToUnixTimeMilliseconds()}|{sum}"))
            .To(settings.Output, new Produced<string, string>(Serdes.Text, Serdes.Text));
        return builder.Build();
    }

    private static Serde<long> Number => new NumberSerde();

    private sealed class NumberSerde : Serde<long>
    {
        public override byte[] Write(long value) => System.Text.Encoding.UTF8.GetBytes($"{value}");

        public override long Read(ReadOnlySpan<byte> data, Confluent.Kafka.Headers? headers) =>
            long.Parse(System.Text.Encoding.UTF8.GetString(data), CultureInfo.InvariantCulture);
    }

    private static string Add(string sum, long number)
    {
        var parts = sum.Split('|').Select(part => long.Parse(part, CultureInfo.InvariantCulture)).ToArray();
        return $"{parts[0] + 1}|{parts[1] + number}";
    }

    private static StreamsOptions Options(string instance, CountSettings settings) => new()
    {
        ApplicationId = settings.Application,
        InstanceId = instance,
        ProcessingGuarantee = settings.ExactlyOnce
            ? ProcessingGuarantee.ExactlyOnceV2 : ProcessingGuarantee.AtLeastOnce,
        CommitInterval = TimeSpan.FromMilliseconds(settings.CommitMs),
        SessionTimeout = TimeSpan.FromSeconds(6),
        IdleAdvance = settings.IdleAdvanceMs > 0 ? TimeSpan.FromMilliseconds(settings.IdleAdvanceMs) : null,
    };
}
