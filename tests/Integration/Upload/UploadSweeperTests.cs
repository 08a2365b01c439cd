using System.Net;
using EventStream.Contracts;
using EventStream.Tests.Kit;
using EventStream.Upload.Uploads;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace EventStream.Integration.Tests.Upload;

public sealed class UploadSweeperTests : IAsyncLifetime
{
    private TestBroker broker = null!;
    private UploadHarness upload = null!;

    public async Task InitializeAsync()
    {
        broker = await TestBroker.StartAsync();
        upload = await UploadHarness.StartAsync(broker.Bootstrap, new() { ["Upload:OpenUploadsMax"] = "2" });
    }

    public async Task DisposeAsync()
    {
        await upload.DisposeAsync();
        await broker.DisposeAsync();
    }

    [Fact]
    public async Task A_file_whose_server_died_after_the_last_byte_becomes_a_video_all_the_same()
    {
        var id = IdOf(await upload.CreateAsync(5));
        await WriteSourceAsync(id);
        await SweepAsync();
        Assert.Equal("uploaded", (await upload.JsonAsync($"/v1/videos/{id}")).GetProperty("status").GetString());
    }

    [Fact]
    public async Task A_file_that_is_being_completed_is_left_to_who_does_it()
    {
        var id = IdOf(await upload.CreateAsync(5));
        await using (var lease = await upload.Services.GetRequiredService<UploadLeases>().TakeAsync(id, default))
        {
            await WriteSourceAsync(id);
            await SweepAsync();
            Assert.False(lease.Token.IsCancellationRequested);
            Assert.Equal("registered", (await upload.JsonAsync($"/v1/videos/{id}")).GetProperty("status").GetString());
        }

        await SweepAsync();
        Assert.Equal("uploaded", (await upload.JsonAsync($"/v1/videos/{id}")).GetProperty("status").GetString());
    }

    /// <summary>A tus client takes an offset at the end for success.</summary>
    [Fact]
    public async Task A_client_whose_last_request_was_cut_gets_the_final_offset_once_the_video_is_recorded()
    {
        var url = await upload.CreateAsync(5);
        Task<long> asking;
        await using (await upload.Services.GetRequiredService<UploadLeases>().TakeAsync(IdOf(url), default))
        {
            await WriteSourceAsync(IdOf(url));
            asking = upload.OffsetAsync(url);
        }

        Assert.Equal(5, await asking);
        Assert.Equal("uploaded", (await upload.JsonAsync($"/v1/videos/{IdOf(url)}")).GetProperty("status").GetString());
    }

    [Fact]
    public async Task An_upload_that_rested_too_long_is_ended_and_its_bytes_are_freed()
    {
        var url = await upload.CreateAsync(10);
        (await upload.PatchAsync(url, 0, "hello"u8.ToArray())).Dispose();
        await ExecuteAsync("update uploads set expires_at = now() - interval '1 second'");
        await SweepAsync();
        using var gone = await upload.SendAsync("HEAD", url, []);
        Assert.Equal(HttpStatusCode.Gone, gone.StatusCode);
        Assert.False(File.Exists(Path.Combine(upload.MediaRoot, "sources", $"{IdOf(url)}", "source")));
        Assert.Equal("rejected", (await upload.JsonAsync($"/v1/videos/{IdOf(url)}")).GetProperty("status").GetString());
    }

    [Fact]
    public async Task While_another_process_writes_a_request_hears_that_the_upload_is_locked()
    {
        var url = await upload.CreateAsync(5);
        await ExecuteAsync("update uploads set writer = gen_random_uuid(), writer_until = now() + interval '1 hour'");
        using var locked = await upload.PatchAsync(url, 0, "hello"u8.ToArray());
        Assert.Equal(HttpStatusCode.Locked, locked.StatusCode);
        await ExecuteAsync("update uploads set writer_until = now() - interval '1 second'");
        using var taken = await upload.PatchAsync(url, 0, "hello"u8.ToArray());
        Assert.Equal(HttpStatusCode.NoContent, taken.StatusCode);
    }

    [Fact]
    public async Task A_publisher_cannot_leave_more_unfinished_uploads_than_the_bound()
    {
        await upload.CreateAsync(5);
        await upload.CreateAsync(5);
        using var refused = await upload.SendAsync("POST", "/v1/uploads", [("Upload-Length", "5")]);
        Assert.Equal(HttpStatusCode.TooManyRequests, refused.StatusCode);
    }

    private Task SweepAsync() => upload.Services.GetRequiredService<UploadSweeper>().SweepAsync(default);

    private async Task WriteSourceAsync(VideoId id)
    {
        var file = Path.Combine(upload.MediaRoot, "sources", $"{id}", "source");
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        await File.WriteAllTextAsync(file, "hello");
    }

    private async Task ExecuteAsync(string sql)
    {
        await using var command = upload.Services.GetRequiredService<NpgsqlDataSource>().CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }

    private static VideoId IdOf(string url) => VideoId.Parse(url[(url.LastIndexOf('/') + 1)..]);
}
