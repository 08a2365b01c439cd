using System.Security.Cryptography;
using System.Text.Json;
using EventStream.Tests.Kit;

namespace EventStream.Integration.Tests.Upload;

/// <summary>Uploads by tus-js-client, a client that knows nothing of this server.</summary>
public sealed class TusClientTests : IAsyncLifetime
{
    private const int SizeBytes = 6_000_000;
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("eventstream-tus-");
    private TestBroker broker = null!;
    private UploadHarness upload = null!;

    private string FilePath => Path.Combine(folder.FullName, "film.mp4");

    public async Task InitializeAsync()
    {
        var bytes = new byte[SizeBytes];
        new Random(7).NextBytes(bytes);
        await File.WriteAllBytesAsync(FilePath, bytes);
        broker = await TestBroker.StartAsync();
        upload = await UploadHarness.StartAsync(broker.Bootstrap);
    }

    public async Task DisposeAsync()
    {
        await upload.DisposeAsync();
        await broker.DisposeAsync();
        folder.Delete(recursive: true);
    }

    [Theory]
    [InlineData("tus-v1")]
    [InlineData("ietf-draft-05")]
    public async Task A_client_that_was_killed_goes_on_at_the_stored_offset_though_the_server_was_restarted(string by)
    {
        var cut = await RunAsync(UploadHarness.Key, cutAt: SizeBytes / 2, protocol: by);
        Assert.True(cut.GetProperty("cut").GetInt64() > SizeBytes / 2);
        await upload.StopRoleAsync();
        await upload.StartRoleAsync();

        var done = await RunAsync(UploadHarness.Key, cutAt: 0, protocol: by);
        Assert.True(done.GetProperty("done").GetBoolean());
        Assert.Equal(cut.GetProperty("url").GetString(), done.GetProperty("url").GetString());
        Assert.InRange(done.GetProperty("resumedAt").GetInt64(), 1, SizeBytes - 1);
        var url = done.GetProperty("url").GetString()!;
        var video = await upload.JsonAsync($"/v1/videos/{url[(url.LastIndexOf('/') + 1)..]}");
        Assert.Equal("uploaded", video.GetProperty("status").GetString());
        Assert.Equal("From tus-js-client", video.GetProperty("title").GetString());
        var expected = Convert.ToHexStringLower(SHA256.HashData(await File.ReadAllBytesAsync(FilePath)));
        Assert.Equal(expected, video.GetProperty("sha256").GetString());
    }

    [Fact]
    public async Task A_client_with_an_unknown_key_is_told_so_at_once()
    {
        var refused = await RunAsync("wrong", cutAt: 0);
        Assert.Equal(401, refused.GetProperty("status").GetInt32());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Behind_an_ingress_that_ends_TLS_an_upload_works_whole_and_in_parts(int parallel)
    {
        await using var ingress = await TlsIngress.StartAsync(upload.Url);
        var done = await RunAsync(UploadHarness.Key, cutAt: 0, parallel, ingress);
        Assert.True(done.TryGetProperty("done", out _), done.ToString());
        var locations = done.GetProperty("locations").EnumerateArray().Select(l => l.GetString()!).ToList();
        // Each part has an address, and the file that is joined from them.
        Assert.Equal(parallel == 1 ? 1 : parallel + 1, locations.Count);
        Assert.All(
            locations,
            location => Assert.StartsWith($"{ingress.Url}/v1/uploads/", location, StringComparison.Ordinal)
        );
        var url = done.GetProperty("url").GetString()!;
        var video = await upload.JsonAsync($"/v1/videos/{url[(url.LastIndexOf('/') + 1)..]}");
        Assert.Equal("uploaded", video.GetProperty("status").GetString());
        var expected = Convert.ToHexStringLower(SHA256.HashData(await File.ReadAllBytesAsync(FilePath)));
        Assert.Equal(expected, video.GetProperty("sha256").GetString());
        var list = await UploadHarness.Eventually(
            () => upload.JsonAsync("/v1/videos"),
            found => found.GetProperty("total").GetInt64() > 0
        );
        Assert.Equal(1, list.GetProperty("total").GetInt64());
    }

    private Task<JsonElement> RunAsync(
        string key,
        long cutAt,
        int parallel = 1,
        TlsIngress? ingress = null,
        string protocol = "tus-v1"
    ) =>
        NodeScript.RunAsync(
            "tus-client.mjs",
            [
                $"{ingress?.Url ?? upload.Url}/v1/uploads",
                key,
                FilePath,
                folder.FullName,
                $"{cutAt}",
                $"{parallel}",
                protocol,
            ],
            ingress?.CertificateFile
        );
}
