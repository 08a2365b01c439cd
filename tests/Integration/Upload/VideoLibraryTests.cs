using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using EventStream.Contracts;
using EventStream.EventStore;
using EventStream.Media;
using EventStream.Tests.Kit;
using EventStream.Upload;
using EventStream.Upload.Library;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using static EventStream.Integration.Tests.Upload.TusHarness;

namespace EventStream.Integration.Tests.Upload;

/// <summary>A publisher's library: find, rename, tag and delete, and what follows a deletion.</summary>
public sealed class VideoLibraryTests : IAsyncLifetime
{
    private TestBroker broker = null!;
    private UploadHarness upload = null!;

    public async Task InitializeAsync()
    {
        broker = await TestBroker.StartAsync();
        upload = await UploadHarness.StartAsync(
            broker.Bootstrap,
            new() { ["Upload:BytesPerPublisherMax"] = "20", ["Upload:MaxSizeBytes"] = "20" }
        );
    }

    public async Task DisposeAsync()
    {
        await upload.DisposeAsync();
        await broker.DisposeAsync();
    }

    [Fact]
    public async Task A_video_is_renamed_and_tagged_and_found_by_both()
    {
        var (bunny, tears) = (await RegisterAsync("Big Buck Bunny"), await RegisterAsync("Tears of Steel"));
        using var changed = await ChangeAsync(
            tears,
            """{"title":"100% Tears_","tags":["sci-fi","short"],"metadata":{"year":"2012"}}"""
        );
        Assert.Equal(HttpStatusCode.OK, changed.StatusCode);
        var video = await changed.Content.ReadFromJsonAsync<JsonElement>();
        Assert.Equal("100% Tears_", video.GetProperty("title").GetString());
        Assert.Equal("2012", video.GetProperty("metadata").GetProperty("year").GetString());
        Assert.Equal(["sci-fi", "short"], Texts(video.GetProperty("tags")));

        await UploadHarness.Eventually(() => upload.JsonAsync("/v1/videos?tag=short"), page => Ids(page).Count == 1);
        foreach (var query in (string[])["q=tears", "q=0%25", "q=S_", "tag=sci-fi&tag=short", "q=TEARS&tag=short"])
            Assert.Equal((query, tears), (query, Assert.Single(await FindAsync(query))));
        Assert.Equal([bunny], await FindAsync("q=bunny"));
        Assert.Equal([tears, bunny], await FindAsync("status=registered"));
        foreach (var query in (string[])["q=%25_", "q=steel", "tag=sci-fi&tag=long", "tag=SHORT", "status=published"])
            Assert.Equal((query, 0), (query, (await FindAsync(query)).Count));
    }

    [Theory]
    [InlineData("status=deleted", "'status' must be one of registered")]
    [InlineData("tag=", "'tag' must be 1 to 60 characters")]
    [InlineData("q=%00", "'q' must be a text")]
    [InlineData("before=1", "'before' must be a video id")]
    [InlineData("limit=201", "'limit' must be from 1 to 200")]
    public async Task A_question_that_is_none_is_refused_by_its_name(string query, string detail)
    {
        using var refused = await upload.SendAsync("GET", $"/v1/videos?{query}", []);
        Assert.Contains(detail, await refused.ProblemAsync(400), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Of_two_who_change_the_same_revision_the_second_is_refused()
    {
        var id = await RegisterAsync("First");
        var tag = await TagAsync(id);
        using var one = await ChangeAsync(id, """{"title":"Second"}""", tag);
        Assert.Equal(HttpStatusCode.OK, one.StatusCode);
        using var other = await ChangeAsync(id, """{"title":"Third"}""", tag);
        Assert.Contains(one.Headers.ETag!.Tag, await other.ProblemAsync(412), StringComparison.Ordinal);
        using var late = await ChangeAsync(id, null, tag);
        Assert.Equal(HttpStatusCode.PreconditionFailed, late.StatusCode);
        using var nonsense = await ChangeAsync(id, """{"title":"Third"}""", "3");
        Assert.Contains("no entity tag", await nonsense.ProblemAsync(400), StringComparison.Ordinal);
        Assert.Equal("Second", (await upload.JsonAsync($"/v1/videos/{id}")).GetProperty("title").GetString());

        // The same again changes nothing, and progress of the upload is no change of what the publisher says.
        using var same = await ChangeAsync(id, """{"title":"Second"}""", await TagAsync(id));
        Assert.Equal(one.Headers.ETag, same.Headers.ETag);
        (await upload.PatchAsync($"/v1/uploads/{id}", 0, "hello"u8.ToArray())).Dispose();
        Assert.Equal(one.Headers.ETag!.Tag, await TagAsync(id));
        Assert.Equal(["registered", "described", "uploaded"], await LifeAsync(id));
    }

    [Fact]
    public async Task Another_publisher_neither_changes_nor_deletes_it_and_an_analyst_may_not()
    {
        var id = await RegisterAsync("Mine");
        foreach (var body in (string?[])["""{"title":"Theirs"}""", null])
        {
            using var refused = await ChangeAsync(id, body, key: TestKeys.OtherPublisher);
            Assert.Contains("There is no such video", await refused.ProblemAsync(404), StringComparison.Ordinal);
            using var read = await ChangeAsync(id, body, key: TestKeys.Analyst);
            Assert.Equal(HttpStatusCode.Forbidden, read.StatusCode);
        }

        using var form = await ChangeAsync(id, "title=a", contentType: "application/x-www-form-urlencoded");
        Assert.Equal(HttpStatusCode.UnsupportedMediaType, form.StatusCode);
        Assert.Equal(["registered"], await LifeAsync(id));
    }

    [Fact]
    public async Task A_deleted_video_leaves_its_history_and_nothing_else()
    {
        var (id, kept) = (await UploadAsync("Gone", 10), await UploadAsync("Kept", 10));
        var media = upload.Services.GetRequiredService<IMediaStore>();
        foreach (var key in (string[])[$"media/{id}/240p/init.mp4", $"media/{id}/thumbs/poster.jpg", $"media/{kept}/a"])
            await media.WriteAsync(key, new MemoryStream([1]), default);
        using var full = await upload.SendAsync("POST", "/v1/uploads", [("Upload-Length", "5")]);
        Assert.Contains("quota", await full.ProblemAsync(413), StringComparison.Ordinal);

        for (var i = 0; i < 2; i++)
        {
            using var deleted = await ChangeAsync(id, null);
            Assert.Equal(HttpStatusCode.NoContent, deleted.StatusCode);
        }

        Assert.Equal([$"media/{kept}/a", $"sources/{kept}/source"], await KeysAsync(media));
        using var gone = await upload.SendAsync("GET", $"/v1/videos/{id}", []);
        Assert.Contains("was deleted", await gone.ProblemAsync(410), StringComparison.Ordinal);
        using var late = await ChangeAsync(id, """{"title":"Back"}""");
        Assert.Equal(HttpStatusCode.Gone, late.StatusCode);
        Assert.Equal(["registered", "uploaded", "deleted"], await LifeAsync(id));
        await UploadHarness.Eventually(() => OnlyAsync(), only => only == kept);
        // Its place is free, and its address takes no more bytes.
        await upload.CreateAsync(5);
        using var head = await upload.SendAsync("HEAD", $"/v1/uploads/{id}", []);
        Assert.Equal(HttpStatusCode.Gone, head.StatusCode);
    }

    [Fact]
    public async Task An_unfinished_upload_is_ended_with_its_video()
    {
        var id = await RegisterAsync("Half");
        (await upload.PatchAsync($"/v1/uploads/{id}", 0, "he"u8.ToArray())).Dispose();
        (await ChangeAsync(id, null)).Dispose();
        using var rest = await upload.PatchAsync($"/v1/uploads/{id}", 2, "llo"u8.ToArray());
        Assert.Equal(HttpStatusCode.Gone, rest.StatusCode);
        Assert.Equal(["registered", "rejected", "deleted"], await LifeAsync(id));
        Assert.Empty(await KeysAsync(upload.Services.GetRequiredService<IMediaStore>()));
    }

    [Fact]
    public async Task What_a_worker_stores_after_the_deletion_is_removed_too_and_at_last_nobody_looks_any_more()
    {
        var id = await UploadAsync("Gone", 5);
        (await ChangeAsync(id, null)).Dispose();
        var media = upload.Services.GetRequiredService<IMediaStore>();
        for (var pass = 0; pass <= VideoRemoval.Delays.Count; pass++)
        {
            await media.WriteAsync($"media/{id}/240p/{pass}.m4s", new MemoryStream([1]), default);
            await SweepAsync();
            Assert.Empty(await KeysAsync(media));
        }

        Assert.Equal(0, await RemovalsAsync());
    }

    [Fact]
    public async Task A_deletion_whose_process_died_after_the_fact_is_finished_and_one_before_it_is_forgotten()
    {
        var (gone, kept) = (await UploadAsync("Gone", 5), await UploadAsync("Kept", 5));
        var removals = upload.Services.GetRequiredService<RemovalTable>();
        await upload
            .Services.GetRequiredService<Decider<Video>>()
            .DecideAsync(Guid.Parse(gone), v => v.Delete(v.RegisteredAt), EventMetadata.None, default);
        foreach (var id in (string[])[gone, kept])
            await removals.AskAsync(VideoId.Parse(id), DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch, default);

        await SweepAsync();

        var media = upload.Services.GetRequiredService<IMediaStore>();
        Assert.Equal([$"sources/{kept}/source"], await KeysAsync(media));
        Assert.Equal(1, await RemovalsAsync());
    }

    private async Task<string> RegisterAsync(string title) =>
        IdOf(await upload.CreateAsync(5, Metadata(("title", title))));

    private async Task<string> UploadAsync(string title, int length)
    {
        var url = await upload.CreateAsync(length, Metadata(("title", title)));
        using var whole = await upload.PatchAsync(url, 0, new byte[length]);
        Assert.Equal(HttpStatusCode.NoContent, whole.StatusCode);
        return IdOf(url);
    }

    /// <summary>A change by a merge patch, or a deletion where there is none.</summary>
    private async Task<HttpResponseMessage> ChangeAsync(
        string id,
        string? patch,
        string? ifMatch = null,
        string key = UploadHarness.Key,
        string contentType = DescriptionPatch.ContentType
    )
    {
        var method = patch is null ? HttpMethod.Delete : HttpMethod.Patch;
        using var request = new HttpRequestMessage(method, $"{upload.Url}/v1/videos/{id}");
        request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {key}");
        if (ifMatch is not null)
            request.Headers.TryAddWithoutValidation("If-Match", ifMatch);
        if (patch is not null)
            request.Content = new StringContent(patch, Encoding.UTF8, contentType);
        return await upload.Http.SendAsync(request);
    }

    private async Task<string> TagAsync(string id)
    {
        using var answer = await upload.SendAsync("GET", $"/v1/videos/{id}", []);
        return answer.Headers.ETag!.Tag;
    }

    private async Task<string?> OnlyAsync()
    {
        var ids = Ids(await upload.JsonAsync("/v1/videos"));
        return ids.Count == 1 ? ids[0] : null;
    }

    private async Task<IReadOnlyList<string>> FindAsync(string query)
    {
        var page = await upload.JsonAsync($"/v1/videos?{query}");
        Assert.Equal(Ids(page).Count, page.GetProperty("total").GetInt64());
        return Ids(page);
    }

    private async Task<IReadOnlyList<string>> LifeAsync(string id) =>
        [
            .. (await upload.JsonAsync($"/v1/videos/{id}/events"))
                .GetProperty("events")
                .EnumerateArray()
                .Select(e => e.GetProperty("type").GetString()!.Split('.')[1]),
        ];

    private static async Task<IReadOnlyList<string>> KeysAsync(IMediaStore media)
    {
        var keys = new List<string>();
        foreach (var prefix in (string[])["media/", "sources/"])
        await foreach (var key in media.ListAsync(prefix, default))
            keys.Add(key);
        return keys;
    }

    /// <summary>A pass over every removal, as if its time had come.</summary>
    private async Task SweepAsync()
    {
        await ScalarAsync("update video_removals set due_at = now() - interval '1 second'");
        await upload.Services.GetRequiredService<VideoRemoval>().SweepAsync(default);
    }

    private async Task<long> RemovalsAsync() => (long)(await ScalarAsync("select count(*) from video_removals"))!;

    private async Task<object?> ScalarAsync(string sql)
    {
        await using var command = upload.Services.GetRequiredService<NpgsqlDataSource>().CreateCommand(sql);
        return await command.ExecuteScalarAsync();
    }

    private static IReadOnlyList<string> Ids(JsonElement page) =>
        [.. page.GetProperty("videos").EnumerateArray().Select(video => video.GetProperty("id").GetString()!)];

    private static IReadOnlyList<string> Texts(JsonElement list) =>
        [.. list.EnumerateArray().Select(text => text.GetString()!)];
}
