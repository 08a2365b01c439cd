using EventStream.Contracts;
using EventStream.Hosting;
using EventStream.Messaging.Kafka;
using EventStream.Tests.Kit;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace EventStream.Integration.Tests.Upload;

/// <summary>
/// What the encoders report becomes the video's history, and the history becomes <c>video.events</c>.
/// </summary>
public sealed class VideoLifeTests : IAsyncLifetime
{
    private const string TraceParent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    private static readonly DateTimeOffset Now = new(2026, 11, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly SourceInfo Source = new(30, 1920, 1080, 24, "h264", "aac", 6, 5);
    private static readonly Rung P240 = new("240p", 426, 240, 400_000);
    private TestBroker broker = null!;
    private UploadHarness upload = null!;

    public async Task InitializeAsync()
    {
        broker = await TestBroker.StartAsync();
        upload = await UploadHarness.StartAsync(broker.Bootstrap);
    }

    public async Task DisposeAsync()
    {
        await upload.DisposeAsync();
        await broker.DisposeAsync();
    }

    [Fact]
    public async Task Reports_that_come_twice_publish_the_video_once_and_every_event_reaches_the_topic_in_order()
    {
        using var telemetry = TelemetryExport.Start(RoleHost.ReadConfiguration(), "test");
        using var created = await upload.SendAsync(
            "POST",
            "/v1/uploads",
            [("Upload-Length", "5"), ("traceparent", TraceParent)],
            "hello"u8.ToArray()
        );
        var id = VideoId.Parse(created.Headers.GetValues("X-Video-Id").Single());
        foreach (var report in Reports(id).Concat(Reports(id)))
            await ReportAsync(id, report);

        var published = await UploadHarness.Eventually(
            () => upload.JsonAsync($"/v1/videos/{id}"),
            video => video.GetProperty("status").GetString() == "published"
        );
        Assert.Equal("thumbs/poster.jpg", published.GetProperty("posterKey").GetString());
        Assert.All(
            published.GetProperty("tasks").EnumerateArray(),
            t => Assert.Equal("done", t.GetProperty("state").GetString())
        );
        string[] life =
        [
            "video.registered.v1",
            "video.uploaded.v1",
            "video.probed.v1",
            "video.encode-planned.v1",
            "video.rendition-encoded.v1",
            "video.rendition-encoded.v1",
            "video.playable.v1",
            "video.thumbnails-made.v1",
            "video.published.v1",
        ];
        var events = (await upload.JsonAsync($"/v1/videos/{id}/events"))
            .GetProperty("events")
            .EnumerateArray()
            .ToList();
        Assert.Equal(life, events.Select(e => e.GetProperty("type").GetString()));
        Assert.All(
            events,
            e =>
                Assert.StartsWith(
                    TraceParent[..35],
                    e.GetProperty("metadata").GetProperty("traceparent").GetString()!,
                    StringComparison.Ordinal
                )
        );

        var relayed = await ReadTopicAsync(id, life.Length);
        Assert.Equal(life, relayed.Select(m => MessageTypes.NameOf(m.Message.GetType())));
        Assert.Equal(events.Select(e => e.GetProperty("id").GetString()), relayed.Select(m => m.EventId));
        Assert.All(relayed, m => Assert.StartsWith(TraceParent[..35], m.TraceParent!, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_video_whose_thumbnails_are_given_up_is_published_without_them()
    {
        using var created = await upload.SendAsync(
            "POST",
            "/v1/uploads",
            [("Upload-Length", "5")],
            "hello"u8.ToArray()
        );
        var id = VideoId.Parse(created.Headers.GetValues("X-Video-Id").Single());
        const string cause = "ffmpeg ended with code 1: [mjpeg @ 0x55]";
        foreach (var report in Reports(id).Where(report => report is not ThumbnailsMade))
            await ReportAsync(id, report);
        await ReportAsync(id, new EncodeTaskFailed(id, "thumbnails", "w1", 3, cause, false, Now));
        await ReportAsync(id, new EncodeTaskFinished(id, "thumbnails", "w1", Now, cause));
        var published = await UploadHarness.Eventually(
            () => upload.JsonAsync($"/v1/videos/{id}"),
            video => video.GetProperty("status").GetString() is "published" or "failed"
        );
        Assert.Equal("published", published.GetProperty("status").GetString());
        var task = published.GetProperty("tasks").EnumerateArray().Last();
        Assert.Equal("failed", task.GetProperty("state").GetString());
        Assert.Equal("No preview pictures could be made of the file.", task.GetProperty("cause").GetString());
    }

    [Fact]
    public async Task A_source_that_is_no_video_is_rejected_with_the_workers_words()
    {
        using var created = await upload.SendAsync(
            "POST",
            "/v1/uploads",
            [("Upload-Length", "5")],
            "hello"u8.ToArray()
        );
        var id = VideoId.Parse(created.Headers.GetValues("X-Video-Id").Single());
        await ReportAsync(id, new EncodeTaskStarted(id, "probe", "w1", 1, Now));
        await ReportAsync(id, new SourceRejected(id, "no video stream", "send a video", "w1", Now));
        var rejected = await UploadHarness.Eventually(
            () => upload.JsonAsync($"/v1/videos/{id}"),
            video => video.GetProperty("status").GetString() == "rejected"
        );
        Assert.Equal("no video stream", rejected.GetProperty("problem").GetString());
        Assert.Equal("send a video", rejected.GetProperty("remedy").GetString());
        var probe = rejected.GetProperty("tasks")[0];
        Assert.Equal(
            ("probe", "failed", "no video stream"),
            (
                probe.GetProperty("task").GetString(),
                probe.GetProperty("state").GetString(),
                probe.GetProperty("cause").GetString()
            )
        );
    }

    [Fact]
    public async Task Progress_of_a_task_is_shown_and_old_news_do_not_replace_new_ones()
    {
        using var created = await upload.SendAsync(
            "POST",
            "/v1/uploads",
            [("Upload-Length", "5")],
            "hello"u8.ToArray()
        );
        var id = VideoId.Parse(created.Headers.GetValues("X-Video-Id").Single());
        await ReportAsync(id, new EncodeTaskProgressed(id, "240p", "w1", 0.5, 3.2, Now.AddSeconds(2)));
        await ReportAsync(id, new EncodeTaskProgressed(id, "240p", "w1", 0.2, 3.0, Now.AddSeconds(1)));
        await ReportAsync(id, new EncodeTaskProgressed(id, "audio", "w1", 0.1, 3.0, Now));
        var video = await UploadHarness.Eventually(
            () => upload.JsonAsync($"/v1/videos/{id}"),
            video => video.GetProperty("tasks").GetArrayLength() == 2
        );
        Assert.Equal(0.5, video.GetProperty("tasks")[0].GetProperty("fraction").GetDouble());
    }

    private static IEnumerable<IEvent> Reports(VideoId id)
    {
        yield return new SourceProbed(id, Source, "w1", Now);
        yield return new EncodePlanned(id, [P240], "240p", 2, ["240p", "audio", "thumbnails"], Now);
        yield return new RenditionEncoded(
            id,
            new("240p", Rendition.Video, "v/240p", "avc1.64001f", 426, 240, 24, 1, 1, [2], 10),
            "w1",
            1,
            Now
        );
        yield return new RenditionEncoded(
            id,
            new("audio", Rendition.Audio, "v/audio", "mp4a.40.2", 0, 0, 0, 1, 1, [2], 10),
            "w1",
            1,
            Now
        );
        yield return new ThumbnailsMade(id, new("thumbs/poster.jpg", "thumbs/s.jpg", "thumbs/s.vtt"), "w1", Now);
        yield return new EncodeCompleted(id, 2, Now);
    }

    private Task ReportAsync(VideoId id, IEvent report) =>
        upload
            .Services.GetRequiredService<IEventPublisher>()
            .PublishAsync(
                Topics.EncodeEvents,
                id.ToString(),
                report,
                Now,
                default,
                new PublishOptions(TraceParent: TraceParent)
            );

    private async Task<List<ConsumedMessage>> ReadTopicAsync(VideoId id, int count)
    {
        var read = new List<ConsumedMessage>();
        var services = upload.Services;
        using var consumer = new EventConsumer(
            new ConsumerOptions("test-reader", [Topics.VideoEvents]) { FromBeginning = true, ConcurrencyMax = 1 },
            (message, _) =>
            {
                lock (read)
                    if (message.Key == id.ToString())
                        read.Add(message);
                return Task.CompletedTask;
            },
            services.GetRequiredService<KafkaOptions>(),
            services.GetRequiredService<EventProducer>(),
            services.GetRequiredService<IRole>(),
            TimeProvider.System,
            NullLogger<EventConsumer>.Instance
        );
        await consumer.StartAsync(default);
        await UploadHarness.Eventually(() => Task.FromResult(read.Count), seen => seen >= count);
        await consumer.StopAsync(default);
        return read;
    }
}
