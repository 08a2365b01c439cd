using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using EventStream.Tests.Kit;

namespace EventStream.Integration.Tests.Upload;

public sealed class TusApiTests(TusApiTests.Role role) : IClassFixture<TusApiTests.Role>
{
    private readonly UploadHarness upload = role.Upload;

    public sealed class Role : IAsyncLifetime
    {
        private TestBroker broker = null!;

        internal UploadHarness Upload { get; private set; } = null!;

        public async Task InitializeAsync()
        {
            broker = await TestBroker.StartAsync();
            Upload = await UploadHarness.StartAsync(broker.Bootstrap, new() { ["Upload:MaxSizeBytes"] = "1000000" });
        }

        public async Task DisposeAsync()
        {
            await Upload.DisposeAsync();
            await broker.DisposeAsync();
        }
    }

    [Fact]
    public async Task Options_name_version_extensions_limit_and_checksums()
    {
        using var answer = await upload.SendAsync("OPTIONS", "/v1/uploads", [], key: null);
        Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode);
        Assert.Equal("1.0.0", Header(answer, "Tus-Version"));
        Assert.Equal(
            "creation,creation-with-upload,creation-defer-length,concatenation,checksum,termination,expiration",
            Header(answer, "Tus-Extension")
        );
        Assert.Equal("1000000", Header(answer, "Tus-Max-Size"));
        Assert.Equal("sha1,sha256", Header(answer, "Tus-Checksum-Algorithm"));
    }

    [Fact]
    public async Task A_file_sent_in_chunks_is_stored_whole_and_becomes_a_fact()
    {
        var file = Bytes(300_000);
        var url = await upload.CreateAsync(
            file.Length,
            Metadata(("title", "Bunny"), ("filename", "b.mp4"), ("sha256", Hex(file)))
        );
        for (var offset = 0; offset < file.Length; offset += 100_000)
        {
            using var patched = await upload.PatchAsync(url, offset, file[offset..(offset + 100_000)]);
            Assert.Equal(HttpStatusCode.NoContent, patched.StatusCode);
            Assert.Equal($"{offset + 100_000}", Header(patched, "Upload-Offset"));
        }

        var id = url[(url.LastIndexOf('/') + 1)..];
        var video = await upload.JsonAsync($"/v1/videos/{id}");
        Assert.Equal("uploaded", video.GetProperty("status").GetString());
        Assert.Equal("Bunny", video.GetProperty("title").GetString());
        Assert.Equal(Hex(file), video.GetProperty("sha256").GetString());
        Assert.Equal(file, await File.ReadAllBytesAsync(Path.Combine(upload.MediaRoot, $"sources/{id}/source")));
        var events = (await upload.JsonAsync($"/v1/videos/{id}/events")).GetProperty("events").EnumerateArray();
        Assert.Equal(
            ["video.registered.v1", "video.uploaded.v1"],
            events.Select(e => e.GetProperty("type").GetString())
        );
        var listed = await UploadHarness.Eventually(
            () => upload.JsonAsync("/v1/videos?limit=5"),
            list => list.ToString().Contains(id, StringComparison.Ordinal)
        );
        Assert.Equal(id, listed.GetProperty("videos")[0].GetProperty("id").GetString());
    }

    [Fact]
    public async Task A_small_file_can_be_sent_with_its_creation()
    {
        using var created = await upload.SendAsync(
            "POST",
            "/v1/uploads",
            [("Upload-Length", "5")],
            "hello"u8.ToArray()
        );
        Assert.Equal(HttpStatusCode.Created, created.StatusCode);
        Assert.Equal("5", Header(created, "Upload-Offset"));
        var video = await upload.JsonAsync($"/v1/videos/{Header(created, "X-Video-Id")}");
        Assert.Equal("uploaded", video.GetProperty("status").GetString());
    }

    [Fact]
    public async Task The_offset_survives_a_restart_of_the_role()
    {
        var file = Bytes(200_000);
        var url = await upload.CreateAsync(file.Length);
        (await upload.PatchAsync(url, 0, file[..120_000])).Dispose();
        await upload.StopRoleAsync();
        await upload.StartRoleAsync();
        using var head = await upload.SendAsync("HEAD", url, []);
        Assert.Equal("120000", Header(head, "Upload-Offset"));
        Assert.Equal("200000", Header(head, "Upload-Length"));
        Assert.Equal("no-store", head.Headers.CacheControl!.ToString());
        using var rest = await upload.PatchAsync(url, 120_000, file[120_000..]);
        Assert.Equal("200000", Header(rest, "Upload-Offset"));
    }

    [Fact]
    public async Task Bytes_that_arrived_before_the_connection_was_cut_are_kept()
    {
        var file = Bytes(400_000);
        var url = await upload.CreateAsync(file.Length);
        using (var socket = new System.Net.Sockets.TcpClient())
        {
            await socket.ConnectAsync(IPAddress.Loopback, new Uri(url).Port);
            var head =
                $"PATCH {new Uri(url).AbsolutePath} HTTP/1.1\r\nHost: x\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\n"
                + $"Authorization: Bearer {UploadHarness.Key}\r\nContent-Type: application/offset+octet-stream\r\n"
                + $"Content-Length: {file.Length}\r\n\r\n";
            await socket.GetStream().WriteAsync(Encoding.ASCII.GetBytes(head));
            await socket.GetStream().WriteAsync(file.AsMemory(0, 250_000));
            await UploadHarness.Eventually(() => OffsetAsync(url), offset => offset > 0);
        }

        await UploadHarness.Eventually(() => OffsetAsync(url), offset => offset == 250_000);

        using var rest = await upload.PatchAsync(url, 250_000, file[250_000..]);
        Assert.Equal(HttpStatusCode.NoContent, rest.StatusCode);
        var id = url[(url.LastIndexOf('/') + 1)..];
        Assert.Equal(Hex(file), (await upload.JsonAsync($"/v1/videos/{id}")).GetProperty("sha256").GetString());
    }

    [Fact]
    public async Task A_newer_request_supersedes_one_whose_connection_hangs()
    {
        var url = await upload.CreateAsync(1000);
        using var socket = new System.Net.Sockets.TcpClient();
        await socket.ConnectAsync(IPAddress.Loopback, new Uri(url).Port);
        var head =
            $"PATCH {new Uri(url).AbsolutePath} HTTP/1.1\r\nHost: x\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\n"
            + $"Authorization: Bearer {UploadHarness.Key}\r\nContent-Type: application/offset+octet-stream\r\n"
            + "Content-Length: 1000\r\n\r\n0123456789";
        await socket.GetStream().WriteAsync(Encoding.ASCII.GetBytes(head));
        await UploadHarness.Eventually(() => OffsetAsync(url), offset => offset == 10);
        using var newer = await upload.PatchAsync(url, 10, Bytes(990));
        Assert.Equal(HttpStatusCode.NoContent, newer.StatusCode);
        Assert.Equal(1000, await OffsetAsync(url));
    }

    [Theory]
    [InlineData("sha1")]
    [InlineData("sha256")]
    public async Task A_chunk_with_a_wrong_checksum_is_thrown_away_and_a_right_one_kept(string algorithm)
    {
        var file = Bytes(5000);
        var url = await upload.CreateAsync(file.Length);
        var right = algorithm == "sha1" ? SHA1.HashData(file) : SHA256.HashData(file);
        var wrong = right.ToArray();
        wrong[0] ^= 1;
        using var refused = await upload.PatchAsync(
            url,
            0,
            file,
            ("Upload-Checksum", $"{algorithm} {Convert.ToBase64String(wrong)}")
        );
        Assert.Equal(460, (int)refused.StatusCode);
        Assert.Equal(0, await OffsetAsync(url));
        using var taken = await upload.PatchAsync(
            url,
            0,
            file,
            ("Upload-Checksum", $"{algorithm} {Convert.ToBase64String(right)}")
        );
        Assert.Equal(HttpStatusCode.NoContent, taken.StatusCode);
    }

    [Fact]
    public async Task A_file_that_is_not_the_one_announced_is_rejected_with_both_checksums()
    {
        var file = Bytes(1000);
        var announced = Hex(Bytes(999));
        var url = await upload.CreateAsync(file.Length, Metadata(("sha256", announced)));
        using var refused = await upload.PatchAsync(url, 0, file);
        var problem = await Problem(refused, HttpStatusCode.UnprocessableEntity);
        Assert.Contains(announced, problem, StringComparison.Ordinal);
        Assert.Contains(Hex(file), problem, StringComparison.Ordinal);
        var video = await upload.JsonAsync($"/v1/videos/{url[(url.LastIndexOf('/') + 1)..]}");
        Assert.Equal("rejected", video.GetProperty("status").GetString());
        using var gone = await upload.SendAsync("HEAD", url, []);
        Assert.Equal(HttpStatusCode.Gone, gone.StatusCode);
    }

    [Theory]
    [InlineData("a wrong key")]
    [InlineData(null)]
    public async Task Without_a_known_key_nothing_is_taken_and_the_remedy_is_named(string? key)
    {
        using var answer = await upload.SendAsync("POST", "/v1/uploads", [("Upload-Length", "5")], key: key);
        var problem = await Problem(answer, HttpStatusCode.Unauthorized);
        Assert.Contains("Access:Keys", problem, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_analyst_uploads_nothing()
    {
        using var answer = await upload.SendAsync(
            "POST",
            "/v1/uploads",
            [("Upload-Length", "5")],
            key: TestKeys.Analyst
        );
        await Problem(answer, HttpStatusCode.Forbidden);
    }

    [Fact]
    public async Task An_empty_file_is_refused()
    {
        using var answer = await upload.SendAsync("POST", "/v1/uploads", [("Upload-Length", "0")]);
        Assert.Contains("empty", await Problem(answer, HttpStatusCode.UnprocessableEntity), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_above_the_limit_is_refused_before_its_first_byte()
    {
        using var answer = await upload.SendAsync("POST", "/v1/uploads", [("Upload-Length", "1000001")]);
        Assert.Contains(
            "Upload:MaxSizeBytes",
            await Problem(answer, HttpStatusCode.RequestEntityTooLarge),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task Bytes_beyond_the_announced_length_are_refused()
    {
        var url = await upload.CreateAsync(10);
        using var answer = await upload.PatchAsync(url, 0, Bytes(11));
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, answer.StatusCode);
        Assert.Equal(0, await OffsetAsync(url));
    }

    [Fact]
    public async Task A_chunk_at_another_offset_is_a_conflict()
    {
        var url = await upload.CreateAsync(10);
        using var answer = await upload.PatchAsync(url, 3, Bytes(4));
        Assert.Contains("holds 0 bytes", await Problem(answer, HttpStatusCode.Conflict), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_upload_that_is_taken_back_is_gone_and_its_video_rejected()
    {
        var url = await upload.CreateAsync(10);
        (await upload.PatchAsync(url, 0, Bytes(4))).Dispose();
        using var deleted = await upload.SendAsync("DELETE", url, []);
        Assert.Equal(HttpStatusCode.NoContent, deleted.StatusCode);
        using var gone = await upload.SendAsync("HEAD", url, []);
        Assert.Equal(HttpStatusCode.Gone, gone.StatusCode);
        Assert.False(
            File.Exists(Path.Combine(upload.MediaRoot, "sources", url[(url.LastIndexOf('/') + 1)..], "source"))
        );
    }

    [Fact]
    public async Task A_client_that_knows_only_POST_overrides_the_method()
    {
        var url = await upload.CreateAsync(10);
        using var answer = await upload.SendAsync(
            "POST",
            url,
            [("Upload-Offset", "0"), ("X-HTTP-Method-Override", "PATCH")],
            Bytes(10)
        );
        Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode);
        Assert.Equal("10", Header(answer, "Upload-Offset"));
    }

    [Fact]
    public async Task Another_version_of_tus_is_refused_with_ours()
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, upload.Url + "/v1/uploads");
        request.Headers.Add("Tus-Resumable", "0.2.2");
        request.Headers.Authorization = new("Bearer", UploadHarness.Key);
        using var answer = await upload.Http.SendAsync(request);
        Assert.Equal(HttpStatusCode.PreconditionFailed, answer.StatusCode);
        Assert.Equal("1.0.0", Header(answer, "Tus-Version"));
    }

    [Fact]
    public async Task The_console_page_may_upload_and_read_the_answer()
    {
        using var preflight = new HttpRequestMessage(HttpMethod.Options, upload.Url + "/v1/uploads");
        preflight.Headers.Add("Origin", "http://localhost:7000");
        preflight.Headers.Add("Access-Control-Request-Method", "PATCH");
        preflight.Headers.Add("Access-Control-Request-Headers", "authorization,upload-offset,tus-resumable");
        using var allowed = await upload.Http.SendAsync(preflight);
        Assert.Equal("http://localhost:7000", Header(allowed, "Access-Control-Allow-Origin"));
        using var created = await upload.SendAsync(
            "POST",
            "/v1/uploads",
            [("Upload-Length", "5"), ("Origin", "http://127.0.0.1:7000")]
        );
        Assert.Contains("Location", Header(created, "Access-Control-Expose-Headers"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("title !!!", "base64")]
    [InlineData("sha256 eHl6", "64 hex digits")]
    public async Task Metadata_that_cannot_be_read_is_refused_by_name(string metadata, string what)
    {
        using var answer = await upload.SendAsync(
            "POST",
            "/v1/uploads",
            [("Upload-Length", "5"), ("Upload-Metadata", metadata)]
        );
        Assert.Contains(what, await Problem(answer, HttpStatusCode.BadRequest), StringComparison.Ordinal);
    }

    private async Task<long> OffsetAsync(string url)
    {
        using var head = await upload.SendAsync("HEAD", url, []);
        return long.Parse(Header(head, "Upload-Offset"));
    }

    private static async Task<string> Problem(HttpResponseMessage answer, HttpStatusCode status)
    {
        Assert.Equal(status, answer.StatusCode);
        Assert.Equal("application/problem+json", answer.Content.Headers.ContentType!.MediaType);
        var problem = await answer.Content.ReadFromJsonAsync<JsonElement>();
        return $"{problem.GetProperty("title").GetString()}: {problem.GetProperty("detail").GetString()}";
    }

    private static string Header(HttpResponseMessage answer, string name) =>
        string.Join(',', answer.Headers.GetValues(name));

    private static byte[] Bytes(int count)
    {
        var bytes = new byte[count];
        new Random(count).NextBytes(bytes);
        return bytes;
    }

    private static string Hex(byte[] file) => Convert.ToHexStringLower(SHA256.HashData(file));

    private static string Metadata(params (string Key, string Value)[] pairs) =>
        string.Join(
            ',',
            pairs.Select(pair => $"{pair.Key} {Convert.ToBase64String(Encoding.UTF8.GetBytes(pair.Value))}")
        );
}
