using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using EventStream.Messaging.Kafka;
using EventStream.Streams;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Streamiz.Kafka.Net;
using Streamiz.Kafka.Net.Stream;

namespace EventStream.Integration.Tests.Streams.Faults;

/// <summary>
/// An instance of the counting stream: numbers of a key are counted and summed in windows, which leave when stream time
/// has passed them. It runs on the platform's host, clients and stores, until it is asked to end.
/// </summary>
internal static class CountProgram
{
    private const string Store = "counts";
    private const string Clock = "clock";

    public static void Run(string bootstrap, string instance, CountSettings settings, CancellationToken end)
    {
        using var leave = CancellationTokenSource.CreateLinkedTokenSource(end);
        using var term = PosixSignalRegistration.Create(
            PosixSignal.SIGTERM,
            signal =>
            {
                signal.Cancel = true;
                leave.Cancel();
            }
        );
        var stop = leave.Token;
        var kafka = new KafkaOptions { Bootstrap = bootstrap };
        using var log = LoggerFactory.Create(builder =>
            builder.AddSimpleConsole(line => line.SingleLine = true).SetMinimumLevel(LogLevel.Error)
        );
        using var host = new StreamHost(
            scope => Topology(scope, settings, stop),
            Options(instance, settings),
            kafka,
            new TopicAdmin(kafka, NullLogger<TopicAdmin>.Instance),
            TimeProvider.System,
            log.CreateLogger<StreamHost>()
        );
        host.StartAsync(CancellationToken.None).GetAwaiter().GetResult();
        stop.WaitHandle.WaitOne();
        host.StopAsync(CancellationToken.None).GetAwaiter().GetResult();
    }

    private static Topology Topology(StreamScope scope, CountSettings settings, CancellationToken stop)
    {
        var pace = new Pace(settings.Pace, stop);
        var builder = new StreamBuilder().AddClock(scope, Clock).AddWindowStore(scope, Store, SerDes.Text, SerDes.Text);
        var step = new StepSpec<long>(
            scope,
            [settings.Input],
            Clock,
            () =>
                new WindowProcessor<long, string>(
                    Store,
                    TimeSpan.FromMilliseconds(settings.WindowMs),
                    TimeSpan.FromMilliseconds(settings.GraceMs),
                    "0|0",
                    (number, sum) =>
                    {
                        pace.Count();
                        return Add(sum, number);
                    },
                    window => [(window.Key, $"{window.Start.ToUnixTimeMilliseconds()}|{window.Value}")]
                )
        );
        builder
            .Batches(
                settings.Input,
                new BatchSerDes<long>(
                    (data, _) => long.Parse(Encoding.UTF8.GetString(data), CultureInfo.InvariantCulture)
                )
            )
            .Process(step, Store)
            .OfType<string>()
            .To(settings.Output, SerDes.Text, SerDes.Text);
        return builder.Build();
    }

    private static string Add(string sum, long number)
    {
        var parts = sum.Split('|').Select(part => long.Parse(part, CultureInfo.InvariantCulture)).ToArray();
        return $"{parts[0] + 1}|{parts[1] + number}";
    }

    private static StreamsOptions Options(string instance, CountSettings settings) =>
        new()
        {
            ApplicationId = settings.Application,
            InstanceId = instance,
            ProcessingGuarantee = settings.ExactlyOnce
                ? EventStream.Streams.ProcessingGuarantee.ExactlyOnceV2
                : EventStream.Streams.ProcessingGuarantee.AtLeastOnce,
            CommitInterval = TimeSpan.FromMilliseconds(settings.CommitMs),
            SessionTimeout = TimeSpan.FromSeconds(6),
            IdleAdvance = settings.IdleAdvanceMs > 0 ? TimeSpan.FromMilliseconds(settings.IdleAdvanceMs) : null,
        };
}
