using Confluent.Kafka;
using EventStream.Contracts;
using EventStream.Hosting;
using EventStream.Integration.Tests.Encode;
using EventStream.Integration.Tests.Upload;
using EventStream.Messaging.Kafka;

namespace EventStream.Integration.Tests.Messaging;

/// <summary>
/// One trace follows a film from the request that uploads it, through event store, relay, planner and workers with
/// the real ffmpeg, to the event that it is published.
/// </summary>
public sealed class TraceTests
{
    private const string TraceId = "4bf92f3577b34da6a3ce929d0e0e4736";

    [Fact]
    public async Task One_trace_follows_an_upload_to_its_published_event()
    {
        using var telemetry = TelemetryExport.Start(RoleHost.ReadConfiguration(), "test");
        await using var stage = await EncodeStage.StartAsync();
        await using var upload = await UploadHarness.StartAsync(stage.Broker.Bootstrap);
        stage.Settings["Media:Root"] = upload.MediaRoot;
        await stage.PlannerAsync();
        await stage.WorkerAsync("w1");
        var clip = await File.ReadAllBytesAsync(
            stage.Rig.PathOf(
                stage.Rig.Clip(
                    "film.mp4",
                    "-f lavfi -i testsrc2=size=426x240:rate=25:duration=2 -f lavfi -i sine=duration=2 "
                        + "-c:v libx264 -preset ultrafast -c:a aac"
                )
            )
        );
        using var created = await upload.SendAsync(
            "POST",
            "/v1/uploads",
            [("Upload-Length", $"{clip.Length}"), ("traceparent", $"00-{TraceId}-00f067aa0ba902b7-01")],
            clip
        );
        var id = created.Headers.GetValues("X-Video-Id").Single();

        var records = await Task.Run(() => ReadUntilPublished(stage.Broker.Bootstrap, id));
        Assert.All(records, record => Assert.StartsWith($"00-{TraceId}-", record.TraceParent ?? "(none)"));
        var types = records.Select(record => record.Type).ToHashSet(StringComparer.Ordinal);
        Assert.Superset(
            new HashSet<string>(StringComparer.Ordinal)
            {
                "video.registered.v1",
                "video.uploaded.v1",
                "encode.probe-source.v1",
                "encode.source-probed.v1",
                "encode.planned.v1",
                "encode.encode-rung.v1",
                "encode.rendition-encoded.v1",
                "video.playable.v1",
                "encode.make-thumbnails.v1",
                "encode.thumbnails-made.v1",
                "video.published.v1",
            },
            types
        );
    }

    /// <summary>Every record of the video on the topics of its way, up to the last event.</summary>
    private static List<(string Type, string? TraceParent)> ReadUntilPublished(string bootstrap, string video)
    {
        Topic[] topics = [Topics.VideoEvents, Topics.EncodeCommandsFirst, Topics.EncodeCommands, Topics.EncodeEvents];
        var config = new KafkaOptions { Bootstrap = bootstrap }.ConsumerConfig("trace", $"trace-{Guid.NewGuid():N}");
        using var consumer = new ConsumerBuilder<byte[], byte[]>(config).Build();
        consumer.Assign(
            from topic in topics
            from partition in Enumerable.Range(0, topic.Partitions)
            select new TopicPartitionOffset(topic.Name, partition, Offset.Beginning)
        );
        var found = new List<(string Type, string? TraceParent)>();
        var started = TimeProvider.System.GetTimestamp();
        while (!found.Exists(record => record.Type == "video.published.v1"))
        {
            if (TimeProvider.System.GetElapsedTime(started) > MessagingRig.Patience * 2)
                Assert.Fail($"The video was not published; seen: {string.Join(", ", found)}");
            if (consumer.Consume(TimeSpan.FromMilliseconds(100)) is not { } record)
                continue;
            if (!System.Text.Encoding.UTF8.GetString(record.Message.Key).StartsWith(video, StringComparison.Ordinal))
                continue;
            found.Add(
                (
                    CloudEvents.Text(record.Message.Headers, CloudEvents.Type)!,
                    CloudEvents.Text(record.Message.Headers, CloudEvents.TraceParent)
                )
            );
        }

        return found;
    }
}
