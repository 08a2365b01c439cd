using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text.Json;
using EventStream.Tests.Kit;
using static EventStream.Integration.Tests.Upload.TusHarness;

namespace EventStream.Integration.Tests.Upload;

/// <summary>Uploads by the IETF's draft of resumable uploads, interop version 8.</summary>
public sealed class ResumableUploadTests : IAsyncLifetime
{
    private TestBroker broker = null!;
    private UploadHarness upload = null!;

    public async Task InitializeAsync()
    {
        broker = await TestBroker.StartAsync();
        upload = await UploadHarness.StartAsync(broker.Bootstrap, new() { ["Upload:MaxSizeBytes"] = "1000000" });
    }

    public async Task DisposeAsync()
    {
        await upload.DisposeAsync();
        await broker.DisposeAsync();
    }

    [Fact]
    public async Task A_file_in_one_request_is_a_video()
    {
        var file = Bytes(5000);
        using var done = await SendAsync(
            "POST",
            "/v1/uploads",
            file,
            ("Upload-Complete", "?1"),
            ("Content-Disposition", "inline; filename=\"a.mp4\"; filename*=UTF-8''caf%C3%A9.mp4"),
            ("Repr-Digest", $"sha-256=:{Convert.ToBase64String(SHA256.HashData(file))}:")
        );
        Assert.Equal(HttpStatusCode.Created, done.StatusCode);
        Assert.Equal(("?1", "8"), (done.Header("Upload-Complete"), done.Header("Upload-Draft-Interop-Version")));
        Assert.Equal("max-size=1000000", done.Header("Upload-Limit"));
        var video = await upload.JsonAsync($"/v1/videos/{done.Header("X-Video-Id")}");
        Assert.Equal("uploaded", video.GetProperty("status").GetString());
        Assert.Equal("café.mp4", video.GetProperty("fileName").GetString());
        Assert.Equal(Hex(file), video.GetProperty("sha256").GetString());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_file_in_pieces_ends_with_the_request_that_says_so(bool lengthKnown)
    {
        var file = Bytes(6000);
        (string, string)[] length = lengthKnown ? [("Upload-Length", "6000")] : [];
        using var created = await SendAsync("POST", "/v1/uploads", [], [("Upload-Complete", "?0"), .. length]);
        Assert.Equal((HttpStatusCode.Created, "?0"), (created.StatusCode, created.Header("Upload-Complete")));
        var url = created.Headers.Location!.ToString();
        using var first = await AppendAsync(url, 0, file[..2500], complete: false);
        Assert.Equal((HttpStatusCode.NoContent, "?0"), (first.StatusCode, first.Header("Upload-Complete")));
        using var head = await SendAsync("HEAD", url, null);
        Assert.Equal(HttpStatusCode.NoContent, head.StatusCode);
        Assert.Equal(("2500", "?0"), (head.Header("Upload-Offset"), head.Header("Upload-Complete")));
        Assert.Equal(lengthKnown, head.Headers.Contains("Upload-Length"));
        Assert.Contains("max-age=", head.Header("Upload-Limit"), StringComparison.Ordinal);
        Assert.Equal("no-store", head.Header("Cache-Control"));

        using var last = await AppendAsync(url, 2500, file[2500..], complete: true);
        Assert.Equal((HttpStatusCode.OK, "?1"), (last.StatusCode, last.Header("Upload-Complete")));
        var id = (await last.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("videoId").GetString();
        var video = await upload.JsonAsync($"/v1/videos/{id}");
        Assert.Equal(Hex(file), video.GetProperty("sha256").GetString());

        // The answer may have been lost: it is said again, and nothing can be appended any more.
        using var again = await AppendAsync(url, 6000, [], complete: true);
        Assert.Equal((HttpStatusCode.OK, "?1"), (again.StatusCode, again.Header("Upload-Complete")));
        using var more = await AppendAsync(url, 6000, [1], complete: true);
        await ProblemAsync(more, 400, "completed-upload");
        using var after = await SendAsync("HEAD", url, null);
        Assert.Equal(("6000", "?1"), (after.Header("Upload-Offset"), after.Header("Upload-Complete")));
        Assert.Equal("6000", after.Header("Upload-Length"));
    }

    [Fact]
    public async Task An_empty_request_ends_a_file_whose_bytes_are_there()
    {
        var file = Bytes(3000);
        using var created = await SendAsync("POST", "/v1/uploads", file, ("Upload-Complete", "?0"));
        Assert.Equal("3000", created.Header("Upload-Offset"));
        using var ended = await AppendAsync(created.Headers.Location!.ToString(), 3000, [], complete: true);
        Assert.Equal((HttpStatusCode.OK, "?1"), (ended.StatusCode, ended.Header("Upload-Complete")));
        var video = await upload.JsonAsync($"/v1/videos/{created.Header("X-Video-Id")}");
        Assert.Equal((Hex(file), 3000), (video.GetProperty("sha256").GetString(), Size(video)));
    }

    [Fact]
    public async Task What_does_not_fit_is_refused_with_the_drafts_problem_types()
    {
        using var created = await SendAsync(
            "POST",
            "/v1/uploads",
            [],
            ("Upload-Complete", "?0"),
            ("Upload-Length", "10")
        );
        var url = created.Headers.Location!.ToString();
        using (var elsewhere = await AppendAsync(url, 4, [1], complete: false))
        {
            Assert.Equal("0", elsewhere.Header("Upload-Offset"));
            var problem = await ProblemAsync(elsewhere, 409, "mismatching-upload-offset");
            Assert.Equal(0, problem.GetProperty("expected-offset").GetInt64());
            Assert.Equal(4, problem.GetProperty("provided-offset").GetInt64());
        }

        using (var other = await AppendAsync(url, 0, Bytes(5), complete: true, ("Upload-Length", "10")))
            await ProblemAsync(other, 400, "inconsistent-upload-length");
        using (var wrong = await AppendAsync(url, 0, Bytes(5), false, ("Content-Digest", Digest(Bytes(4)))))
            Assert.Equal(460, (int)wrong.StatusCode);
        using (var right = await AppendAsync(url, 0, Bytes(5), false, ("Content-Digest", Digest(Bytes(5)))))
            Assert.Equal(HttpStatusCode.NoContent, right.StatusCode);
        using (var longer = await AppendAsync(url, 5, Bytes(50), complete: false))
            await longer.ProblemAsync(413);
        using (var large = await SendAsync("POST", "/v1/uploads", [], ("Upload-Complete", "?0"), Length(1000001)))
            await large.ProblemAsync(413);
        using (var tus = await SendAsync("PATCH", url, Bytes(5), ("Upload-Complete", "?0"), ("Upload-Offset", "5")))
            await tus.ProblemAsync(415);
        using (var version = await SendAsync("HEAD", url, null, "3"))
            Assert.Equal(HttpStatusCode.BadRequest, version.StatusCode);
        using var unsaid = await SendAsync("POST", "/v1/uploads", []);
        Assert.Contains("?1", await unsaid.ProblemAsync(400), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_upload_can_be_taken_back_and_its_bounds_are_known_before()
    {
        using var options = await SendAsync("OPTIONS", "/v1/uploads", null);
        Assert.Equal("max-size=1000000", options.Header("Upload-Limit"));
        using var created = await SendAsync("POST", "/v1/uploads", Bytes(10), ("Upload-Complete", "?0"));
        var url = created.Headers.Location!.ToString();
        using var deleted = await SendAsync("DELETE", url, null);
        Assert.Equal(HttpStatusCode.NoContent, deleted.StatusCode);
        using var gone = await SendAsync("HEAD", url, null);
        Assert.Equal(HttpStatusCode.Gone, gone.StatusCode);
        Assert.Empty(upload.MediaKeys());
    }

    private static (string, string) Length(long bytes) => ("Upload-Length", $"{bytes}");

    private static long Size(JsonElement video) => video.GetProperty("sizeBytes").GetInt64();

    private static string Digest(byte[] bytes) => $"sha-256=:{Convert.ToBase64String(SHA256.HashData(bytes))}:";

    private static async Task<JsonElement> ProblemAsync(HttpResponseMessage answer, int status, string type)
    {
        Assert.Equal((status, "?0"), ((int)answer.StatusCode, answer.Header("Upload-Complete")));
        var problem = await answer.Content.ReadFromJsonAsync<JsonElement>();
        Assert.EndsWith($"#{type}", problem.GetProperty("type").GetString(), StringComparison.Ordinal);
        return problem;
    }

    private Task<HttpResponseMessage> AppendAsync(
        string url,
        long offset,
        byte[] body,
        bool complete,
        params (string, string)[] headers
    ) =>
        SendAsync(
            "PATCH",
            url,
            body,
            [
                ("Upload-Offset", $"{offset}"),
                ("Upload-Complete", complete ? "?1" : "?0"),
                ("Content-Type", "application/partial-upload"),
                .. headers,
            ]
        );

    private Task<HttpResponseMessage> SendAsync(
        string method,
        string url,
        byte[]? body,
        params (string Name, string Value)[] headers
    ) => SendAsync(method, url, body, "8", headers);

    private async Task<HttpResponseMessage> SendAsync(
        string method,
        string url,
        byte[]? body,
        string version,
        params (string Name, string Value)[] headers
    )
    {
        using var request = new HttpRequestMessage(
            new HttpMethod(method),
            url.StartsWith('/') ? upload.Url + url : url
        );
        request.Headers.Add("Upload-Draft-Interop-Version", version);
        request.Headers.Add("Authorization", $"Bearer {UploadHarness.Key}");
        if (body is not null)
            request.Content = new ByteArrayContent(body);
        foreach (var (name, value) in headers)
        {
            if (!request.Headers.TryAddWithoutValidation(name, value))
                request.Content!.Headers.TryAddWithoutValidation(name, value);
        }

        return await upload.Http.SendAsync(request);
    }
}
