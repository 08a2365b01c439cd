using System.Net;
using System.Net.ServerSentEvents;
using System.Text.Json;
using EventStream.Contracts;
using EventStream.Messaging.Kafka;
using EventStream.Tests.Kit;
using EventStream.Upload.Library;
using Microsoft.Extensions.DependencyInjection;
using static EventStream.Integration.Tests.Upload.TusHarness;

namespace EventStream.Integration.Tests.Upload;

/// <summary>Who listens to a video sees each step of it, up to the last one.</summary>
public sealed class VideoProgressTests : IAsyncLifetime
{
    private static readonly DateTimeOffset Now = new(2026, 11, 1, 12, 0, 0, TimeSpan.Zero);
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
    public async Task Bytes_and_tasks_are_seen_as_they_come_and_the_end_ends_the_stream()
    {
        var url = await upload.CreateAsync(10);
        var id = VideoId.Parse(IdOf(url));
        using var answer = await ListenAsync($"{id}");
        Assert.Equal("text/event-stream", answer.Content.Headers.ContentType!.MediaType);
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        var events = SseParser
            .Create(await answer.Content.ReadAsStreamAsync())
            .EnumerateAsync(patience.Token)
            .GetAsyncEnumerator(patience.Token);
        await UntilAsync(events, p => (Text(p, "status"), Number(p, "receivedBytes")) == ("registered", 0));
        (await upload.PatchAsync(url, 0, "hello"u8.ToArray())).Dispose();
        await UntilAsync(events, p => Number(p, "receivedBytes") == 5);
        (await upload.PatchAsync(url, 5, "world"u8.ToArray())).Dispose();
        await UntilAsync(events, p => Text(p, "status") == "uploaded");
        await ReportAsync(id, new EncodeTaskProgressed(id, "240p", "w1", 0.5, 3.2, Now));
        await UntilAsync(events, p => Number(p, "encodedFraction") == 0.5);
        await ReportAsync(id, new SourceRejected(id, "no video stream", "send a video", "w1", Now));
        await UntilAsync(events, p => Text(p, "problem") == "no video stream");

        Assert.True(await events.MoveNextAsync());
        Assert.Equal(("end", "end"), (events.Current.EventType, events.Current.EventId));
        Assert.False(await events.MoveNextAsync());
        using var again = await ListenAsync($"{id}", lastEventId: "end");
        Assert.Equal(HttpStatusCode.NoContent, again.StatusCode);
    }

    [Fact]
    public async Task A_deletion_ends_the_stream_and_no_other_begins()
    {
        var id = IdOf(await upload.CreateAsync(10));
        using var answer = await ListenAsync(id);
        using var deleted = await upload.SendAsync("DELETE", $"/v1/videos/{id}", []);
        Assert.Equal(HttpStatusCode.NoContent, deleted.StatusCode);
        var whole = await answer.Content.ReadAsStringAsync();
        Assert.Contains("event: end", whole, StringComparison.Ordinal);
        using var gone = await ListenAsync(id);
        Assert.Equal(HttpStatusCode.Gone, gone.StatusCode);
        using var theirs = await ListenAsync(id, TestKeys.OtherPublisher);
        Assert.Equal(HttpStatusCode.NotFound, theirs.StatusCode);
    }

    [Fact]
    public async Task A_key_has_a_bounded_number_of_streams_and_a_closed_one_makes_room()
    {
        var id = IdOf(await upload.CreateAsync(10));
        var open = new List<HttpResponseMessage>();
        for (var i = 0; i < VideoProgressApi.ListenersMax; i++)
            open.Add(await ListenAsync(id));
        Assert.All(open, answer => Assert.Equal(HttpStatusCode.OK, answer.StatusCode));
        using var refused = await ListenAsync(id);
        Assert.Contains("Too many streams", await refused.ProblemAsync(429), StringComparison.Ordinal);
        open.ForEach(answer => answer.Dispose());
        await UploadHarness.Eventually(
            async () =>
            {
                using var next = await ListenAsync(id);
                return next.StatusCode;
            },
            status => status == HttpStatusCode.OK
        );
    }

    private Task<HttpResponseMessage> ListenAsync(string id, string key = UploadHarness.Key, string? lastEventId = null)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, $"{upload.Url}/v1/videos/{id}/progress");
        request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {key}");
        if (lastEventId is not null)
            request.Headers.TryAddWithoutValidation("Last-Event-ID", lastEventId);
        return upload.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
    }

    private static async Task UntilAsync(IAsyncEnumerator<SseItem<string>> events, Func<JsonElement, bool> right)
    {
        while (await events.MoveNextAsync())
        {
            Assert.NotEqual("end", events.Current.EventType);
            if (events.Current.EventType == "progress" && right(JsonElement.Parse(events.Current.Data)))
                return;
        }

        Assert.Fail("The stream ended before.");
    }

    private Task ReportAsync(VideoId id, IEvent report) =>
        upload
            .Services.GetRequiredService<IEventPublisher>()
            .PublishAsync(Topics.EncodeEvents, id.ToString(), report, Now, default);

    private static string? Text(JsonElement of, string name) => of.GetProperty(name).GetString();

    private static double Number(JsonElement of, string name) => of.GetProperty(name).GetDouble();
}
