using System.Net;
using System.Text.Json;
using EventStream.Tests.Kit;

namespace EventStream.Integration.Tests.Upload;

/// <summary>A publisher sees and changes its own videos; to it, another's does not exist.</summary>
public sealed class OwnershipTests : IAsyncLifetime
{
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
    public async Task Another_publishers_upload_answers_as_one_that_was_never_made()
    {
        var url = await upload.CreateAsync(10);
        var id = url[(url.LastIndexOf('/') + 1)..];
        // Its version and variant are those of an id of a video, and nobody created it.
        var unknown = id[..^12] + "000000000000";
        foreach (
            var (method, path) in ((string, string)[])
                [("HEAD", "uploads"), ("PATCH", "uploads"), ("DELETE", "uploads"), ("GET", "videos")]
        )
        {
            var of = await AskAsync(method, $"/v1/{path}/{id}", TestKeys.OtherPublisher);
            Assert.Equal(HttpStatusCode.NotFound, of.Status);
            var never = await AskAsync(method, $"/v1/{path}/{unknown}", TestKeys.OtherPublisher);
            Assert.Equal(never.Status, of.Status);
            Assert.Equal(never.Body.Replace(unknown, id, StringComparison.Ordinal), of.Body);
        }

        var events = await AskAsync("GET", $"/v1/videos/{id}/events", TestKeys.OtherPublisher);
        Assert.Equal(HttpStatusCode.NotFound, events.Status);
        using var whole = await upload.PatchAsync(url, 0, new byte[10]);
        Assert.Equal(HttpStatusCode.NoContent, whole.StatusCode);
    }

    [Fact]
    public async Task An_upload_that_another_publisher_ended_does_not_exist_either()
    {
        var url = await upload.CreateAsync(10);
        (await upload.SendAsync("DELETE", url, [])).Dispose();
        Assert.Equal(HttpStatusCode.Gone, (await AskAsync("HEAD", url, TestKeys.Publisher)).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await AskAsync("HEAD", url, TestKeys.OtherPublisher)).Status);
    }

    [Theory]
    [InlineData(TestKeys.Operator)]
    [InlineData(TestKeys.Analyst)]
    [InlineData(TestKeys.Service)]
    public async Task Who_reads_every_video_reads_this_one(string key)
    {
        var url = await upload.CreateAsync(10);
        var id = url[(url.LastIndexOf('/') + 1)..];
        Assert.Equal("studio", (await upload.JsonAsync($"/v1/videos/{id}", key)).GetProperty("publisher").GetString());
        await upload.JsonAsync($"/v1/videos/{id}/events", key);
        await UploadHarness.Eventually(() => upload.JsonAsync("/v1/videos", key), list => Ids(list).Contains(id));
    }

    [Fact]
    public async Task Pages_and_total_are_those_of_the_caller()
    {
        List<string> mine = [],
            all = [];
        for (var i = 0; i < 5; i++)
        {
            var key = i % 2 == 0 ? TestKeys.Publisher : TestKeys.OtherPublisher;
            using var created = await upload.SendAsync("POST", "/v1/uploads", [("Upload-Length", "5")], key: key);
            var id = created.Headers.GetValues("X-Video-Id").Single();
            all.Insert(0, id);
            if (key == TestKeys.Publisher)
                mine.Insert(0, id);
        }

        await UploadHarness.Eventually(
            () => upload.JsonAsync("/v1/videos", TestKeys.Operator),
            list => Total(list) == 5
        );
        Assert.Equal(mine, await PagesAsync(TestKeys.Publisher, total: 3));
        Assert.Equal(all, await PagesAsync(TestKeys.Operator, total: 5));
        // A last page that is full names none to follow.
        var last = await upload.JsonAsync("/v1/videos?limit=3");
        Assert.Equal(JsonValueKind.Null, last.GetProperty("next").ValueKind);
    }

    private async Task<List<string>> PagesAsync(string key, int total)
    {
        var ids = new List<string>();
        for (var before = ""; ; )
        {
            var page = await upload.JsonAsync($"/v1/videos?limit=2{before}", key);
            Assert.Equal(total, Total(page));
            ids.AddRange(Ids(page));
            if (page.GetProperty("next").GetString() is not { } next)
                return ids;
            before = $"&before={next}";
        }
    }

    private async Task<(HttpStatusCode Status, string Body)> AskAsync(string method, string path, string key)
    {
        using var answer = await upload.SendAsync(
            method,
            path,
            [("Upload-Offset", "0")],
            method == "PATCH" ? "hello"u8.ToArray() : null,
            key
        );
        var body = await answer.Content.ReadAsStringAsync();
        // Each request has a trace of its own.
        var trace = body.IndexOf("\"traceId\"", StringComparison.Ordinal);
        return (answer.StatusCode, trace < 0 ? body : body[..trace]);
    }

    private static long Total(JsonElement list) => list.GetProperty("total").GetInt64();

    private static IEnumerable<string> Ids(JsonElement list) =>
        list.GetProperty("videos").EnumerateArray().Select(video => video.GetProperty("id").GetString()!);
}
