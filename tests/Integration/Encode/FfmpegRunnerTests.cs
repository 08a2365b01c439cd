using System.Globalization;
using EventStream.Encode.Ffmpeg;
using EventStream.Processes;
using FFMpegCore;

namespace EventStream.Integration.Tests.Encode;

/// <summary>The life of one ffmpeg: priority, progress, cancellation, and an end when it hangs or floods.</summary>
public sealed class FfmpegRunnerTests : IDisposable
{
    private readonly EncodeRig rig = new();

    public void Dispose() => rig.Dispose();

    [Fact]
    public async Task An_encode_has_low_priority_and_ends_in_order_when_it_is_cancelled()
    {
        var slow = rig.SlowFfmpeg();
        var output = Path.Combine(rig.Folder, "audio.mp4");
        using var cancel = new CancellationTokenSource();
        var last = default(FfmpegProgress);
        var run = rig.Encoder(slow).RunAsync(Audio(60, output), progress => last = progress, cancel.Token);
        await Until.TrueAsync(() => last.Position > TimeSpan.FromSeconds(1), "progress");
        Assert.InRange(last.Speed, 0.3, 1.5);
        var pid = int.Parse(await File.ReadAllTextAsync($"{slow}.pid"), CultureInfo.InvariantCulture);
        Assert.Equal("10", (await File.ReadAllTextAsync($"/proc/{pid}/stat")).Split(' ')[18]);

        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run);
        Assert.False(Directory.Exists($"/proc/{pid}"), "the encoder has ended");
        // Only an encoder that ended by itself wrote the index of its file.
        Assert.Contains("aac", rig.Probe(output, "-show_entries stream=codec_name"));
    }

    [Fact]
    public async Task An_encode_that_hangs_is_killed()
    {
        var hanging = rig.Script(Path.Combine(rig.Folder, "hanging-ffmpeg"), "exec sleep 600");
        var failed = await Assert.ThrowsAsync<ProgramFailedException>(() =>
            rig.Encoder(hanging, TimeSpan.FromSeconds(1))
                .RunAsync(Audio(1, "/dev/null"), _ => { }, CancellationToken.None)
        );
        Assert.Null(failed.ExitCode);
        Assert.Contains("it said nothing for 1 s", failed.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_encode_that_floods_its_log_is_killed()
    {
        var line = new string('x', 1000);
        var noisy = rig.Script(Path.Combine(rig.Folder, "noisy-ffmpeg"), $"exec yes {line} >&2");
        var failed = await Assert.ThrowsAsync<ProgramFailedException>(() =>
            rig.Encoder(noisy).RunAsync(Audio(1, "/dev/null"), _ => { }, CancellationToken.None)
        );
        Assert.Contains("it logs too many errors", failed.Message, StringComparison.Ordinal);
        Assert.InRange(failed.Tail.Length, 1, 10_000);
    }

    [Fact]
    public async Task A_playlist_in_disguise_opens_no_other_file()
    {
        var secret = rig.PathOf(rig.Clip("secret.mp4", "-f lavfi -i sine=duration=1 -c:a aac"));
        var disguise = Path.Combine(rig.Folder, "film.mp4");
        await File.WriteAllTextAsync(
            disguise,
            $"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{secret}\n#EXT-X-ENDLIST\n"
        );
        await Assert.ThrowsAsync<ProgramFailedException>(() =>
            rig.Encoder()
                .RunAsync(
                    FfmpegRecipes.Audio(disguise, Path.Combine(rig.Folder, "out.mp4"), 64_000),
                    _ => { },
                    CancellationToken.None
                )
        );
    }

    [Fact]
    public async Task An_ffmpeg_that_cannot_run_is_named()
    {
        var broken = rig.Script(Path.Combine(rig.Folder, "broken"), "exit 0");
        await File.WriteAllTextAsync(broken, "#!/bin/sh\nexit 1\n");
        var failed = await Assert.ThrowsAsync<IOException>(() =>
            rig.Encoder(broken).RunAsync(Audio(1, "/dev/null"), _ => { }, CancellationToken.None)
        );
        Assert.Contains("ffmpeg was not found", failed.Message, StringComparison.Ordinal);
    }

    private FFMpegArgumentProcessor Audio(int seconds, string output)
    {
        var key = rig.Clip("tone.mp4", $"-f lavfi -i sine=duration={seconds} -c:a aac");
        return FfmpegRecipes.Audio(rig.PathOf(key), output, 64_000);
    }
}
