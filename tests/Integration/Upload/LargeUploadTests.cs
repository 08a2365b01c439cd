using System.Diagnostics;
using System.Security.Cryptography;
using EventStream.Tests.Kit;
using Xunit.Abstractions;
using static EventStream.Integration.Tests.Upload.TusHarness;

namespace EventStream.Integration.Tests.Upload;

/// <summary>
/// A large file, sent by tus-js-client, goes through the role without being held: 10 GiB where the run is a soak, a
/// quarter of one else.
/// </summary>
[Trait("Category", "Fault")]
public sealed class LargeUploadTests(ITestOutputHelper output) : IAsyncLifetime
{
    private const int ChunkBytes = 64 << 20;

    /// <summary>What the role may need more than before, its buffers among it.</summary>
    private const long GrowthMaxBytes = 200L << 20;

    private static readonly long SizeBytes = FaultRun.IsSoak ? 10L << 30 : 256L << 20;
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("eventstream-large-");
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
        folder.Delete(recursive: true);
    }

    [Fact]
    public async Task A_large_file_is_taken_in_bounded_memory()
    {
        var path = Path.Combine(folder.FullName, "large.mp4");
        await using (var sparse = File.Create(path))
            sparse.SetLength(SizeBytes);
        // Linux forgets the peak that it noted so far.
        await File.WriteAllTextAsync("/proc/self/clear_refs", "5");
        var (before, begun) = (Peak(), Stopwatch.GetTimestamp());

        var done = await NodeScript.RunAsync(
            "tus-client.mjs",
            [$"{upload.Url}/v1/uploads", UploadHarness.Key, path, folder.FullName, "0", "1", "tus-v1", $"{ChunkBytes}"],
            patience: TimeSpan.FromMinutes(20)
        );

        var (growth, elapsed) = (Peak() - before, Stopwatch.GetElapsedTime(begun));
        output.WriteLine(
            $"{SizeBytes >> 20} MiB in {elapsed.TotalSeconds:0} s; memory grew by {growth >> 20} MiB from "
                + $"{before >> 20} MiB."
        );
        Assert.True(done.TryGetProperty("done", out _), $"{done}");
        var video = await upload.JsonAsync($"/v1/videos/{IdOf(done.GetProperty("url").GetString()!)}");
        Assert.Equal(SizeBytes, video.GetProperty("sizeBytes").GetInt64());
        Assert.Equal(HashOfZeros(), video.GetProperty("sha256").GetString());
        Assert.InRange(growth, 0, GrowthMaxBytes);
    }

    private static long Peak()
    {
        using var self = Process.GetCurrentProcess();
        return self.PeakWorkingSet64;
    }

    private static string HashOfZeros()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var zeros = new byte[1 << 20];
        for (var left = SizeBytes; left > 0; left -= zeros.Length)
            hash.AppendData(zeros);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
