using System.Diagnostics;
using EventStream.Contracts;
using EventStream.Encode;
using EventStream.Messaging;
using EventStream.Messaging.Kafka;
using EventStream.Tests.Kit;
using Microsoft.Extensions.Logging.Abstractions;

namespace EventStream.Integration.Tests.Encode;

/// <summary>
/// Two planners as processes that are killed in turn, between deciding, storing, relaying and committing, while reports
/// come in: each command and fact is on its topic once, and every job comes to its end.
/// </summary>
public sealed class PlannerFaultTests : IAsyncLifetime
{
    private const int Videos = 12;

    /// <summary>The probe, the first rung, the other one, the thumbnails and the quality.</summary>
    private const int Tasks = 5;
    private const int Kills = 4;
    private const int Seed = 20261130;
    private EncodeStage stage = null!;

    public async Task InitializeAsync() => stage = await EncodeStage.StartAsync();

    public async Task DisposeAsync() => await stage.DisposeAsync();

    [Fact]
    public async Task Planners_that_are_killed_lose_and_double_nothing()
    {
        // A planner in this process creates the topics and goes.
        await stage.PlannerAsync();
        await stage.StopRolesAsync();
        var random = new Random(Seed);
        Process[] planners = [stage.StartProcess("encode"), stage.StartProcess("encode")];
        try
        {
            using var end = new CancellationTokenSource();
            using var producer = new EventProducer(
                new KafkaOptions { Bootstrap = stage.Broker.Bootstrap },
                new Client(),
                NullLogger<EventProducer>.Instance
            );
            var workers = Task.Run(() => WorkAsync(producer, end.Token));
            var uploads = Task.Run(() => UploadAsync(producer, random.Next()));
            for (var kill = 0; kill < Kills; kill++)
            {
                var before = Facts<EncodeTaskFinished>();
                var next = Math.Min(before + 8, Videos * Tasks);
                await Until.TrueAsync(() => Facts<EncodeTaskFinished>() >= next, "work", 90);
                planners[kill % 2].Kill();
                await planners[kill % 2].WaitForExitAsync();
                planners[kill % 2].Dispose();
                planners[kill % 2] = stage.StartProcess("encode");
            }

            await uploads;
            await Until.TrueAsync(() => Facts<EncodeCompleted>() == Videos, "the end of every job", 120);
            await end.CancelAsync();
            await workers;
        }
        finally
        {
            foreach (var planner in planners)
                planner.Kill(entireProcessTree: true);
        }

        // Once: by what a message says, and by its id.
        var own = stage.Records.Where(record => EncodeStore.TargetOf(record.Message) is not null).ToList();
        Assert.Equal(own.Count, own.DistinctBy(record => record.EventId).Count());
        Assert.Equal(Videos, own.Count(record => record.Message is EncodePlanned));
        Assert.Equal(Videos * Tasks, own.Count(record => record.Message is EncodeTaskFinished));
        var commands = own.Select(record => record.Message)
            .OfType<ICommand>()
            .Select(EncodeTasks.Of)
            .Select(sent => (sent.Video, sent.Task, sent.Attempt))
            .ToList();
        Assert.Equal(Videos * Tasks, commands.Count);
        Assert.Equal(commands.Count, commands.Distinct().Count());
    }

    private int Facts<T>() => stage.Records.Count(record => record.Message is T);

    private static async Task UploadAsync(EventProducer producer, int seed)
    {
        var random = new Random(seed);
        for (var i = 0; i < Videos; i++)
        {
            var id = VideoId.New(TimeProvider.System.GetUtcNow());
            var uploaded = new VideoUploaded(id, "sources/x", 1, "00", DateTimeOffset.UnixEpoch);
            await PublishAsync(producer, Topics.VideoEvents, id, uploaded);
            await Task.Delay(random.Next(400));
        }
    }

    /// <summary>Reports a result for each command that is on a topic, as quick workers would.</summary>
    private async Task WorkAsync(EventProducer producer, CancellationToken end)
    {
        var answered = new HashSet<string>(StringComparer.Ordinal);
        while (!end.IsCancellationRequested)
        {
            foreach (var (eventId, message) in stage.Records.Where(record => record.Message is ICommand))
            {
                if (!answered.Add(eventId))
                    continue;
                var (video, task, _, at) = EncodeTasks.Of(message);
                IEvent report = message switch
                {
                    ProbeSource => new SourceProbed(video, EncodeSamples.Source with { Height = 360 }, "w", at),
                    MakeThumbnails => new ThumbnailsMade(video, new Thumbnails("p", "s", "i"), "w", at),
                    MeasureQuality => new QualityMeasured(video, [], "w", at),
                    _ => new RenditionEncoded(
                        video,
                        new Rendition(task, Rendition.Video, "p", "c", 1, 1, 1, 1, 1, [1], 1),
                        "w",
                        1,
                        at
                    ),
                };
                await PublishAsync(producer, Topics.EncodeEvents, video, report);
            }

            await Task.Delay(20, CancellationToken.None);
        }
    }

    private static Task PublishAsync(EventProducer producer, Topic topic, VideoId key, IMessage message) =>
        producer.PublishAsync(topic, key.ToString(), message, TimeProvider.System.GetUtcNow(), CancellationToken.None);

    private sealed class Client : IClientName
    {
        public string Name => "test";
    }
}
