using System.Security.Cryptography;
using System.Text.Json;
using EventStream.Tests.Kit;
using static EventStream.Integration.Tests.Upload.TusHarness;

namespace EventStream.Integration.Tests.Upload;

/// <summary>Uploads by Uppy's tus plugin, which knows nothing of this server.</summary>
public sealed class UppyTests : IAsyncLifetime
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("eventstream-uppy-");
    private TestBroker broker = null!;
    private UploadHarness upload = null!;

    public async Task InitializeAsync()
    {
        foreach (var i in Enumerable.Range(0, 6))
            await File.WriteAllBytesAsync(Path.Combine(folder.FullName, $"film{i}.mp4"), Bytes(1_000_000 + i));
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
    [InlineData(0)]
    [InlineData(2_000_000)]
    public async Task Files_side_by_side_arrive_whole_though_they_were_paused(int pauseAt)
    {
        var result = await NodeScript.RunAsync(
            "uppy-client.mjs",
            [$"{upload.Url}/v1/uploads", UploadHarness.Key, folder.FullName, "3", $"{pauseAt}"]
        );
        Assert.Equal((pauseAt > 0, 0), (result.GetProperty("paused").GetBoolean(), Count(result, "failed")));
        Assert.Equal(6, Count(result, "done"));
        foreach (var done in result.GetProperty("done").EnumerateArray())
        {
            var (name, url) = (done.GetProperty("name").GetString()!, done.GetProperty("url").GetString()!);
            var video = await upload.JsonAsync($"/v1/videos/{IdOf(url)}");
            var file = await File.ReadAllBytesAsync(Path.Combine(folder.FullName, name));
            Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(file)), video.GetProperty("sha256").GetString());
            Assert.Equal((name, name), (Text(video, "fileName"), Text(video, "title")));
        }
    }

    private static int Count(JsonElement of, string name) => of.GetProperty(name).GetArrayLength();

    private static string? Text(JsonElement of, string name) => of.GetProperty(name).GetString();
}
