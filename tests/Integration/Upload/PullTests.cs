using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using EventStream.Contracts;
using EventStream.Tests.Kit;
using static EventStream.Integration.Tests.Upload.TusHarness;

namespace EventStream.Integration.Tests.Upload;

/// <summary>Files that the platform fetches from an address that a publisher names.</summary>
public sealed class PullTests : IAsyncLifetime
{
    private const int SizeBytes = 3_000_000;
    private TestBroker broker = null!;
    private FileServer server = null!;
    private UploadHarness? upload;

    private UploadHarness Upload => upload!;

    public async Task InitializeAsync()
    {
        broker = await TestBroker.StartAsync();
        server = await FileServer.StartAsync(Bytes(SizeBytes));
    }

    public async Task DisposeAsync()
    {
        if (upload is not null)
            await upload.DisposeAsync();
        await server.DisposeAsync();
        await broker.DisposeAsync();
    }

    [Theory]
    [InlineData("/film.mp4")]
    [InlineData("/without-length/film.mp4")]
    [InlineData("/moved/film.mp4")]
    public async Task A_file_becomes_a_video_as_if_it_had_been_sent(string path)
    {
        await StartAsync();
        var video = await UntilAsync(await PullAsync(path), "uploaded");
        Assert.Equal(Hex(server.File), video.GetProperty("sha256").GetString());
        Assert.Equal(SizeBytes, video.GetProperty("sizeBytes").GetInt64());
        Assert.Equal("film.mp4", video.GetProperty("fileName").GetString());
    }

    [Fact]
    public async Task A_file_goes_on_where_its_server_broke_off()
    {
        await StartAsync();
        server.CutAt = SizeBytes / 2;
        var video = await UntilAsync(await PullAsync("/film.mp4"), "uploaded");
        Assert.Equal(Hex(server.File), video.GetProperty("sha256").GetString());
        var ranges = server.Ranges.ToList();
        Assert.Equal((2, ""), (ranges.Count, ranges[0]));
        Assert.InRange(int.Parse(ranges[1]["bytes=".Length..^1]), 1, SizeBytes / 2);
    }

    [Fact]
    public async Task A_file_that_became_another_one_meanwhile_begins_again()
    {
        await StartAsync();
        server.CutAt = SizeBytes / 2;
        server.AfterCut = () => server.File = Bytes(SizeBytes / 3);
        var video = await UntilAsync(await PullAsync("/film.mp4"), "uploaded");
        Assert.Equal(Hex(server.File), video.GetProperty("sha256").GetString());
        Assert.Equal(SizeBytes / 3, video.GetProperty("sizeBytes").GetInt64());
    }

    [Fact]
    public async Task A_role_that_was_stopped_goes_on_when_it_starts_again()
    {
        await StartAsync();
        server.HoldAt = SizeBytes / 2;
        var id = await PullAsync("/film.mp4");
        await UploadHarness.Eventually(
            () => Upload.JsonAsync($"/v1/videos/{id}"),
            video => video.GetProperty("receivedBytes").GetInt64() > 0
        );
        await Upload.StopRoleAsync();
        server.HoldAt = null;
        await Upload.StartRoleAsync();
        var video = await UntilAsync(id, "uploaded");
        Assert.Equal(Hex(server.File), video.GetProperty("sha256").GetString());
    }

    [Theory]
    [InlineData("/missing.mp4", "answered 404")]
    [InlineData("/moved-inside/film.mp4", "not a public address")]
    [InlineData("/moved-round/film.mp4", "redirects too often")]
    [InlineData("/compressed/film.mp4", "compressed")]
    [InlineData("/too-large/film.mp4", "at most 20000000")]
    [InlineData("/empty.mp4", "0 bytes")]
    public async Task What_cannot_be_fetched_is_rejected_with_the_reason(string path, string reason)
    {
        await StartAsync(("Upload:MaxSizeBytes", "20000000"));
        var video = await UntilAsync(await PullAsync(path), "rejected");
        Assert.Contains(reason, video.GetProperty("problem").GetString(), StringComparison.Ordinal);
        Assert.DoesNotContain("127.0.0.1", video.GetProperty("problem").GetString(), StringComparison.Ordinal);
        Assert.Contains("address", video.GetProperty("remedy").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_that_falls_silent_is_not_waited_for_without_end()
    {
        await StartAsync(("Pull:SilenceMax", "00:00:00.5"), ("Pull:TotalMax", "00:00:02"));
        server.HoldAt = 0;
        var video = await UntilAsync(await PullAsync("/film.mp4"), "rejected");
        Assert.Contains("was not fetched", video.GetProperty("problem").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_video_that_is_deleted_is_not_fetched_on()
    {
        await StartAsync();
        server.HoldAt = SizeBytes / 2;
        var id = await PullAsync("/film.mp4");
        await UploadHarness.Eventually(
            () => Upload.JsonAsync($"/v1/videos/{id}"),
            video => video.GetProperty("receivedBytes").GetInt64() > 0
        );
        using var deleted = await Upload.SendAsync("DELETE", $"/v1/videos/{id}", []);
        Assert.Equal(HttpStatusCode.NoContent, deleted.StatusCode);
        await UploadHarness.Eventually(() => Task.FromResult(server.Open), open => open == 0);
        Assert.Equal([EncodeStop.KeyOf(VideoId.Parse(id))], Upload.MediaKeys());
    }

    [Theory]
    [InlineData("https://10.0.0.1/film.mp4", "not a public address")]
    [InlineData("http://[::1]/film.mp4", "not a public address")]
    [InlineData("http://93.184.215.14/film.mp4", "Without TLS")]
    [InlineData("ftp://example.com/film.mp4", "send an address")]
    public async Task An_address_that_may_not_be_called_is_refused_at_once(string url, string reason)
    {
        await StartAsync();
        using var refused = await PostAsync(url);
        Assert.Contains(reason, await refused.ProblemAsync(400), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_operator_says_which_hosts_files_come_from()
    {
        await StartAsync(("Pull:AllowedHosts", "media.example.com"));
        using var refused = await PostAsync($"{server.Url}/film.mp4");
        Assert.Contains("media.example.com", await refused.ProblemAsync(400), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_same_request_under_its_key_makes_one_video()
    {
        await StartAsync();
        using var first = await PostAsync($"{server.Url}/film.mp4", key: "k1");
        using var again = await PostAsync($"{server.Url}/film.mp4", key: "k1");
        using var other = await PostAsync($"{server.Url}/other.mp4", key: "k1");
        Assert.Equal(await first.Content.ReadAsStringAsync(), await again.Content.ReadAsStringAsync());
        await other.ProblemAsync(422);
    }

    private async Task StartAsync(params (string, string?)[] settings)
    {
        var all = new Dictionary<string, string?> { ["Pull:AllowedNetworks"] = "127.0.0.0/8" };
        foreach (var (name, value) in settings)
            all[name] = value;
        upload = await UploadHarness.StartAsync(broker.Bootstrap, all);
    }

    private async Task<string> PullAsync(string path)
    {
        using var accepted = await PostAsync(server.Url + path);
        Assert.Equal(HttpStatusCode.Accepted, accepted.StatusCode);
        return (await accepted.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("videoId").GetString()!;
    }

    private async Task<HttpResponseMessage> PostAsync(string url, string? key = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"{Upload.Url}/v1/pulls")
        {
            Content = new StringContent(JsonSerializer.Serialize(new { url }), Encoding.UTF8, "application/json"),
        };
        request.Headers.Authorization = new("Bearer", UploadHarness.Key);
        if (key is not null)
            request.Headers.Add("Idempotency-Key", key);
        return await Upload.Http.SendAsync(request);
    }

    private Task<JsonElement> UntilAsync(string id, string status) =>
        UploadHarness.Eventually(
            () => Upload.JsonAsync($"/v1/videos/{id}"),
            video => video.GetProperty("status").GetString() == status
        );
}
