using System.Net;
using EventStream.Contracts;
using EventStream.Hosting;
using EventStream.Messaging.Kafka;
using EventStream.Playback;
using EventStream.Tests.Kit;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace EventStream.Integration.Tests.Playback;

public sealed class PlaybackOverKafkaTests(TestBroker broker) : IClassFixture<TestBroker>
{
    private static readonly DateTimeOffset At = new(2026, 11, 1, 0, 0, 0, TimeSpan.Zero);

    private static readonly Rendition Rung = new(
        "240p",
        Rendition.Video,
        "videos/x/240p",
        "avc1.42c015",
        426,
        240,
        24,
        400_000,
        300_000,
        [2, 2],
        1
    );

    [Fact]
    public async Task The_catalogue_is_read_from_the_first_event_at_each_start()
    {
        var media = Directory.CreateTempSubdirectory("eventstream-media-").FullName;
        var id = VideoId.New(At);
        using var http = new HttpClient();
        await using (var first = await StartAsync(media))
        {
            var publisher = first.Services.GetRequiredService<IEventPublisher>();
            foreach (
                var message in (IMessage[])
                    [new VideoRegistered(id, "p", "t", "f", 1, At), new VideoRenditionEncoded(id, Rung, At)]
            )
                await publisher.PublishAsync(Topics.VideoEvents, id.ToString(), message, At, CancellationToken.None);
            await UntilAsync(http, first, id, HttpStatusCode.Conflict);
            await publisher.PublishAsync(
                Topics.VideoEvents,
                id.ToString(),
                new VideoPlayable(id, "240p", At),
                At,
                CancellationToken.None
            );
            await UntilAsync(http, first, id, HttpStatusCode.Created);
        }

        await using var second = await StartAsync(media);
        await UntilAsync(http, second, id, HttpStatusCode.Created);
        await UntilAsync(http, second, VideoId.New(At), HttpStatusCode.NotFound);
        Directory.Delete(media, recursive: true);
    }

    private async Task<WebApplication> StartAsync(string media)
    {
        var app = RoleHost.Build(
            new PlaybackRole(),
            RoleHost.ReadConfiguration(
                null,
                [
                    .. TestKeys.Pairs,
                    new("Kafka:Bootstrap", broker.Bootstrap),
                    new("Listen:playback", $"http://127.0.0.1:{FreePort.Next()}"),
                    new("Playback:SigningKey", EdgeRig.SigningKey),
                    new("Media:Root", media),
                    new("Traffic:Edges:0:Name", "edge-a"),
                    new("Traffic:Edges:0:Url", "http://127.0.0.1:7080"),
                    new("Urls:traffic", $"http://127.0.0.1:{FreePort.Next()}"),
                ]
            )
        );
        await app.StartAsync();
        return app;
    }

    private static async Task UntilAsync(HttpClient http, WebApplication app, VideoId id, HttpStatusCode expected)
    {
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        while (true)
        {
            using var answer = await http.PostAsync(
                $"{app.Urls.Single()}/v1/videos/{id}/sessions",
                null,
                timeout.Token
            );
            if (answer.StatusCode == expected)
                return;
            await Task.Delay(50, timeout.Token);
        }
    }
}
