using System.Text;
using EventStream.Tests.Kit;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using static EventStream.Integration.Tests.Upload.TusHarness;

namespace EventStream.Integration.Tests.Upload;

/// <summary>Requests that no ordinary client sends: each is refused in words, and nothing is left half done.</summary>
public sealed class OddInputTests(OddInputTests.Role role) : IClassFixture<OddInputTests.Role>
{
    private readonly UploadHarness upload = role.Upload;

    public sealed class Role : IAsyncLifetime
    {
        private TestBroker broker = null!;

        internal UploadHarness Upload { get; private set; } = null!;

        public async Task InitializeAsync()
        {
            broker = await TestBroker.StartAsync();
            Upload = await UploadHarness.StartAsync(broker.Bootstrap);
        }

        public async Task DisposeAsync()
        {
            await Upload.DisposeAsync();
            await broker.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_chunked_body_beyond_the_length_is_refused_and_the_cut_file_never_becomes_a_video()
    {
        var url = await upload.CreateAsync(10);
        using (var refused = await upload.PatchChunkedAsync(url, 0, Bytes(6), Bytes(6)))
            Assert.Contains("Upload-Length", await refused.ProblemAsync(413), StringComparison.Ordinal);
        Assert.InRange(await upload.OffsetAsync(url), 0, 9);
        await upload.Services.GetRequiredService<EventStream.Upload.Uploads.UploadSweeper>().SweepAsync(default);
        var video = await upload.JsonAsync($"/v1/videos/{IdOf(url)}");
        Assert.Equal("registered", video.GetProperty("status").GetString());
    }

    [Fact]
    public async Task A_chunked_body_of_the_right_length_is_taken_and_more_after_the_end_is_not()
    {
        var url = await upload.CreateAsync(10);
        using (var taken = await upload.PatchChunkedAsync(url, 0, Bytes(6), Bytes(4)))
            Assert.Equal("10", taken.Header("Upload-Offset"));
        using (var beyond = await upload.PatchChunkedAsync(url, 10, Bytes(1)))
            await beyond.ProblemAsync(413);
        using var counted = await upload.PatchAsync(url, 10, Bytes(1));
        await counted.ProblemAsync(413);
    }

    [Theory]
    [InlineData("POST", "Upload-Tag", "x", 501)]
    [InlineData("POST", "Upload-Complete", "?1", 501)]
    [InlineData("POST", "Trailer", "Upload-Checksum", 501)]
    [InlineData("POST", "Upload-Concat", "both", 400)]
    [InlineData("POST", "Upload-Concat", "PARTIAL", 400)]
    [InlineData("POST", "Upload-Defer-Length", "1", 400)]
    [InlineData("POST", "Upload-Defer-Length", "2", 400)]
    [InlineData("PATCH", "Upload-Concat", "partial", 400)]
    [InlineData("PATCH", "Upload-Metadata", "a", 501)]
    [InlineData("PATCH", "Content-Encoding", "gzip", 415)]
    [InlineData("PATCH", "Content-Type", "text/plain", 415)]
    public async Task A_header_that_the_request_does_not_have_is_refused(
        string method,
        string header,
        string value,
        int status
    )
    {
        var url = await upload.CreateAsync(5);
        using var request = new HttpRequestMessage(
            new HttpMethod(method),
            method == "POST" ? upload.Url + "/v1/uploads" : url
        );
        request.Content = new ByteArrayContent(Bytes(5));
        foreach (
            var (name, text) in ((string, string)[])
                [
                    ("Tus-Resumable", "1.0.0"),
                    ("Authorization", $"Bearer {UploadHarness.Key}"),
                    (method == "POST" ? "Upload-Length" : "Upload-Offset", method == "POST" ? "5" : "0"),
                    (header, value),
                ]
        )
        {
            if (!request.Headers.TryAddWithoutValidation(name, text))
                request.Content.Headers.TryAddWithoutValidation(name, text);
        }

        if (header != "Content-Type")
            request.Content.Headers.ContentType = new("application/offset+octet-stream");
        using var refused = await upload.Http.SendAsync(request);
        await refused.ProblemAsync(status);
        Assert.Equal(0, await upload.OffsetAsync(url));
    }

    [Theory]
    [InlineData("naïve dA==", "ASCII")]
    [InlineData("dA==,, x", "ASCII")]
    [InlineData("a\u007fb dA==", "ASCII")]
    [InlineData("title dA==,title dQ==", "twice")]
    [InlineData("title /////w==", "UTF-8")]
    [InlineData("x !!!", "base64")]
    public async Task Metadata_that_cannot_be_given_back_is_refused(string metadata, string what)
    {
        using var handler = new SocketsHttpHandler { RequestHeaderEncodingSelector = (_, _) => Encoding.UTF8 };
        using var http = new HttpClient(handler);
        using var request = new HttpRequestMessage(HttpMethod.Post, upload.Url + "/v1/uploads");
        foreach (
            var (name, text) in ((string, string)[])
                [
                    ("Tus-Resumable", "1.0.0"),
                    ("Authorization", $"Bearer {UploadHarness.Key}"),
                    ("Upload-Length", "5"),
                    ("Upload-Metadata", metadata),
                ]
        )
            request.Headers.TryAddWithoutValidation(name, text);
        using var refused = await http.SendAsync(request);
        Assert.Contains(what, await refused.ProblemAsync(400), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Metadata_comes_back_as_it_was_understood()
    {
        var url = await upload.CreateAsync(5, "relativePath , filename  YS5tcDQ=, x /////w==");
        using var head = await upload.SendAsync("HEAD", url, []);
        Assert.Equal("relativePath,filename YS5tcDQ=,x /////w==", head.Header("Upload-Metadata"));
    }

    [Fact]
    public async Task Metadata_of_an_earlier_release_that_cannot_be_sent_does_not_keep_an_upload_from_going_on()
    {
        var url = await upload.CreateAsync(5);
        await using (
            var command = upload
                .Services.GetRequiredService<NpgsqlDataSource>()
                .CreateCommand("update uploads set metadata = 'naïve dA==' where video_id = $1")
        )
        {
            command.Parameters.Add(new() { Value = Guid.Parse(IdOf(url)) });
            await command.ExecuteNonQueryAsync();
        }

        Assert.Equal(0, await upload.OffsetAsync(url));
    }

    [Theory]
    [InlineData(".mp4")]
    [InlineData("   .mp4")]
    [InlineData("....")]
    [InlineData("\u200b\u202e.mp4")]
    public async Task A_file_whose_name_shows_nothing_has_a_title(string fileName)
    {
        var url = await upload.CreateAsync(5, Metadata(("filename", fileName)));
        var video = await upload.JsonAsync($"/v1/videos/{IdOf(url)}");
        Assert.StartsWith("Untitled, 20", video.GetProperty("title").GetString(), StringComparison.Ordinal);
    }
}
