using System.Net;
using EventStream.Contracts;
using EventStream.Tests.Kit;
using EventStream.Upload.Uploads;
using Marten;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using static EventStream.Integration.Tests.Upload.TusHarness;

namespace EventStream.Integration.Tests.Upload;

/// <summary>A file that comes in parts beside each other, and one whose length is told late.</summary>
public sealed class ConcatenationTests : IAsyncLifetime
{
    private const int PartBytes = 70_000;
    private static readonly byte[] File = Bytes(3 * PartBytes);
    private TestBroker broker = null!;
    private UploadHarness upload = null!;

    public async Task InitializeAsync()
    {
        broker = await TestBroker.StartAsync();
        upload = await UploadHarness.StartAsync(
            broker.Bootstrap,
            new() { ["Upload:MaxSizeBytes"] = "1000000", ["Upload:OpenUploadsMax"] = "4" }
        );
    }

    public async Task DisposeAsync()
    {
        await upload.DisposeAsync();
        await broker.DisposeAsync();
    }

    [Fact]
    public async Task Parts_become_one_video_and_are_none_themselves()
    {
        var parts = new List<string>();
        for (var i = 0; i < 3; i++)
            parts.Add(await PartAsync(i));
        using (var head = await upload.SendAsync("HEAD", parts[0], []))
            Assert.Equal("partial", head.Header("Upload-Concat"));
        // Sent again, as by a client that lost the answer, it is the same video.
        var url = await JoinAsync(parts);
        Assert.Equal(url, await JoinAsync(parts));

        using (var head = await upload.SendAsync("HEAD", url, []))
        {
            Assert.Equal($"{File.Length}", head.Header("Upload-Offset"));
            Assert.Equal($"{File.Length}", head.Header("Upload-Length"));
            Assert.Equal(
                $"final;{string.Join(' ', parts.Select(part => new Uri(part).AbsolutePath))}",
                head.Header("Upload-Concat")
            );
        }

        var video = await upload.JsonAsync($"/v1/videos/{IdOf(url)}");
        Assert.Equal("uploaded", video.GetProperty("status").GetString());
        Assert.Equal(Hex(File), video.GetProperty("sha256").GetString());
        Assert.Equal(File.Length, video.GetProperty("sizeBytes").GetInt64());
        foreach (var part in parts)
        {
            using var none = await upload.SendAsync("GET", $"/v1/videos/{IdOf(part)}", []);
            Assert.Equal(HttpStatusCode.NotFound, none.StatusCode);
        }

        await UploadHarness.Eventually(
            () => upload.JsonAsync("/v1/videos"),
            list => list.GetProperty("total").GetInt64() == 1
        );
        var left = Path.Combine(upload.MediaRoot, "parts");
        Assert.Empty(Directory.EnumerateFiles(left, "*", SearchOption.AllDirectories));
    }

    [Fact]
    public async Task Joining_goes_on_where_a_killed_process_left_it()
    {
        var parts = new List<string>();
        for (var i = 0; i < 3; i++)
            parts.Add(await PartAsync(i));
        var ids = parts.ConvertAll(part => VideoId.Parse(IdOf(part)));
        var (now, id) = (DateTimeOffset.UnixEpoch.AddYears(56), VideoId.New(DateTimeOffset.UnixEpoch.AddYears(56)));
        var final = new UploadRecord(
            id,
            "studio",
            File.Length,
            "",
            null,
            UploadRecord.Open,
            null,
            now,
            now.AddYears(90)
        )
        {
            Kind = UploadRecord.Final,
            Parts = ids,
        };
        Assert.True(await upload.Services.GetRequiredService<UploadTable>().InsertFinalAsync(final, default));
        // The first part has its new name, and half of the second is appended.
        var target = Path.Combine(upload.MediaRoot, "sources", $"{id}", "source");
        Directory.CreateDirectory(Path.GetDirectoryName(target)!);
        System.IO.File.Move(Path.Combine(upload.MediaRoot, "parts", $"{ids[0]}", "part"), target);
        await System.IO.File.AppendAllBytesAsync(target, File[PartBytes..(PartBytes + 1000)]);
        await SweepAsync();
        var video = await upload.JsonAsync($"/v1/videos/{id}");
        Assert.Equal(
            ("uploaded", Hex(File)),
            (video.GetProperty("status").GetString(), video.GetProperty("sha256").GetString())
        );
    }

    [Fact]
    public async Task A_file_whose_part_is_lost_is_rejected_when_it_expires()
    {
        var parts = new List<string> { await PartAsync(0), await PartAsync(1) };
        System.IO.File.Delete(Path.Combine(upload.MediaRoot, "parts", IdOf(parts[1]), "part"));
        using var broken = await upload.SendAsync(
            "POST",
            "/v1/uploads",
            [("Upload-Concat", $"final;{string.Join(' ', parts)}")]
        );
        Assert.Equal(HttpStatusCode.InternalServerError, broken.StatusCode);
        var list = await UploadHarness.Eventually(
            () => upload.JsonAsync("/v1/videos"),
            found => found.GetProperty("total").GetInt64() == 1
        );
        var id = list.GetProperty("videos")[0].GetProperty("id").GetString();
        await SweepAsync();
        Assert.Equal("registered", (await upload.JsonAsync($"/v1/videos/{id}")).GetProperty("status").GetString());
        await ExpireAsync();
        await SweepAsync();
        Assert.Equal("rejected", (await upload.JsonAsync($"/v1/videos/{id}")).GetProperty("status").GetString());
        Assert.False(System.IO.File.Exists(Path.Combine(upload.MediaRoot, "sources", id!, "source")));
    }

    [Fact]
    public async Task What_cannot_be_joined_is_named()
    {
        var open = await upload.SendAsync(
            "POST",
            "/v1/uploads",
            [("Upload-Length", $"{PartBytes}"), ("Upload-Concat", "partial")]
        );
        var unfinished = open.Headers.Location!.ToString();
        var whole = await PartAsync(0);
        foreach (
            var (parts, status, what) in ((string, int, string)[])
                [
                    ($"{whole} {unfinished}", 409, "bytes to come"),
                    ($"{whole} {whole}", 400, "twice"),
                    ("", 400, "no part"),
                    (await upload.CreateAsync(5), 400, "none of your partial"),
                    ("/v1/uploads/x", 400, "not the Location"),
                ]
        )
        {
            using var refused = await upload.SendAsync("POST", "/v1/uploads", [("Upload-Concat", $"final;{parts}")]);
            Assert.Contains(what, await refused.ProblemAsync(status), StringComparison.Ordinal);
        }

        using var others = await upload.SendAsync(
            "POST",
            "/v1/uploads",
            [("Upload-Concat", $"final;{whole}")],
            key: TestKeys.OtherPublisher
        );
        Assert.Contains("none of your partial", await others.ProblemAsync(400), StringComparison.Ordinal);
        using var withLength = await upload.SendAsync(
            "POST",
            "/v1/uploads",
            [("Upload-Concat", $"final;{whole}"), ("Upload-Length", "5")]
        );
        await withLength.ProblemAsync(400);
        Assert.Equal(PartBytes, await upload.OffsetAsync(whole));
    }

    [Fact]
    public async Task A_part_below_the_smallest_size_is_refused_and_parts_count_as_unfinished_uploads()
    {
        using (
            var small = await upload.SendAsync(
                "POST",
                "/v1/uploads",
                [("Upload-Length", "5"), ("Upload-Concat", "partial")]
            )
        )
            Assert.Contains("Upload:PartialBytesMin", await small.ProblemAsync(400), StringComparison.Ordinal);
        for (var i = 0; i < 4; i++)
            await PartAsync(i % 3);
        using var refused = await upload.SendAsync("POST", "/v1/uploads", [("Upload-Length", "5")]);
        Assert.Contains("OpenUploadsMax", await refused.ProblemAsync(429), StringComparison.Ordinal);
        Assert.Equal("60", refused.Header("Retry-After"));
    }

    [Fact]
    public async Task Parts_that_nobody_joins_are_swept_and_can_be_taken_back()
    {
        var (first, second) = (await PartAsync(0), await PartAsync(1));
        (await upload.SendAsync("DELETE", second, [])).Dispose();
        await ExpireAsync();
        await SweepAsync();
        foreach (var url in (string[])[first, second])
        {
            using var gone = await upload.SendAsync("HEAD", url, []);
            Assert.Equal(HttpStatusCode.Gone, gone.StatusCode);
            Assert.False(System.IO.File.Exists(Path.Combine(upload.MediaRoot, "parts", IdOf(url), "part")));
            await using var session = upload.Services.GetRequiredService<IDocumentStore>().QuerySession();
            Assert.Empty(await session.Events.FetchStreamAsync(Guid.Parse(IdOf(url))));
        }
    }

    [Fact]
    public async Task The_length_may_be_told_with_the_last_chunk()
    {
        using var created = await upload.SendAsync("POST", "/v1/uploads", [("Upload-Defer-Length", "1")]);
        Assert.Equal(HttpStatusCode.Created, created.StatusCode);
        var url = created.Headers.Location!.ToString();
        (await upload.PatchAsync(url, 0, File[..1000])).Dispose();
        using (var head = await upload.SendAsync("HEAD", url, []))
        {
            Assert.Equal("1", head.Header("Upload-Defer-Length"));
            Assert.False(head.Headers.Contains("Upload-Length"));
        }

        using (var shorter = await upload.PatchAsync(url, 1000, [], ("Upload-Length", "999")))
            await shorter.ProblemAsync(413);
        using (var larger = await upload.PatchAsync(url, 1000, [], ("Upload-Length", "1000001")))
            await larger.ProblemAsync(413);
        using var last = await upload.PatchAsync(url, 1000, File[1000..2000], ("Upload-Length", "2000"));
        Assert.Equal(HttpStatusCode.NoContent, last.StatusCode);
        using (var other = await upload.PatchAsync(url, 2000, [], ("Upload-Length", "2001")))
            await other.ProblemAsync(400);
        var video = await upload.JsonAsync($"/v1/videos/{IdOf(url)}");
        Assert.Equal(Hex(File[..2000]), video.GetProperty("sha256").GetString());
        Assert.Equal(2000, video.GetProperty("sizeBytes").GetInt64());
        await UploadHarness.Eventually(
            () => upload.JsonAsync("/v1/videos"),
            list =>
                list.GetProperty("videos")
                    .EnumerateArray()
                    .Any(v =>
                        v.GetProperty("id").GetString() == IdOf(url) && v.GetProperty("sizeBytes").GetInt64() == 2000
                    )
        );
    }

    [Fact]
    public async Task A_final_upload_takes_no_bytes()
    {
        var url = await JoinAsync([await PartAsync(0)]);
        using var refused = await upload.PatchAsync(url, PartBytes, Bytes(1));
        Assert.Contains("parts", await refused.ProblemAsync(403), StringComparison.Ordinal);
    }

    private async Task<string> PartAsync(int index)
    {
        var bytes = File[(index * PartBytes)..((index + 1) * PartBytes)];
        using var created = await upload.SendAsync(
            "POST",
            "/v1/uploads",
            [("Upload-Length", $"{PartBytes}"), ("Upload-Concat", "partial")],
            bytes
        );
        Assert.Equal(HttpStatusCode.Created, created.StatusCode);
        Assert.False(created.Headers.Contains("X-Video-Id"));
        return created.Headers.Location!.ToString();
    }

    private async Task<string> JoinAsync(IEnumerable<string> parts)
    {
        using var created = await upload.SendAsync(
            "POST",
            "/v1/uploads",
            [("Upload-Concat", $"final;{string.Join(' ', parts)}"), ("Upload-Metadata", Metadata(("title", "Joined")))]
        );
        Assert.Equal(HttpStatusCode.Created, created.StatusCode);
        return created.Headers.Location!.ToString();
    }

    private async Task ExpireAsync()
    {
        await using var command = upload
            .Services.GetRequiredService<NpgsqlDataSource>()
            .CreateCommand("update uploads set expires_at = now() - interval '1 second'");
        await command.ExecuteNonQueryAsync();
    }

    private Task SweepAsync() => upload.Services.GetRequiredService<UploadSweeper>().SweepAsync(default);
}
