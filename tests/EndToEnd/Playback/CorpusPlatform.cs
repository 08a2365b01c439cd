using System.Text.Json;
using EventStream.Playback.Sessions;
using EventStream.Tests.Kit;

namespace EventStream.EndToEnd.Tests.Playback;

/// <summary>A platform as it ships, to which the files of the corpus were uploaded at once.</summary>
public sealed class CorpusPlatform : IAsyncLifetime
{
    private const string Sound = "-f lavfi -i sine=440:duration=5";
    private const string H264 = "-c:v libx264 -preset ultrafast -pix_fmt yuv420p";

    private readonly Dictionary<string, string> videos = new(StringComparer.Ordinal);
    private PlatformProcess platform = null!;

    /// <summary>Those in which picture and sound end apart, which is what players stumble over most.</summary>
    private static readonly string[] Few = ["tail-of-one-sound.mp4", "picture-that-ends-first.mp4", "browser.webm"];

    private static readonly Dictionary<string, string> All = new Dictionary<string, string>(StringComparer.Ordinal)
    {
        ["plain.mp4"] = $"{Test("320x180", 25)} {Sound} {H264} -c:a aac",
        ["upright-phone.mov"] = $"{Test("320x180", 30)} {Sound} {H264} -c:a aac -metadata:s:v:0 rotate=90",
        ["television.ts"] =
            $"{Test("352x240", "30000/1001")} {Sound} -vf interlace -c:v mpeg2video -flags +ildct+ilme -b:v 2M "
            + "-c:a mp2",
        ["frame-rate-that-changes.mkv"] =
            $"{Test("320x180", 30)} {Sound} -vf select=not(eq(mod(n\\,7)\\,3)) -fps_mode vfr {H264} -c:a aac",
        ["browser.webm"] = $"{Test("321x181", 24)} {Sound} -c:v libvpx-vp9 -deadline realtime -cpu-used 8 -c:a libopus",
        ["ten-bits.mkv"] =
            $"{Test("320x180", 24)} {Sound} -c:v libx265 -preset ultrafast -x265-params log-level=none "
            + "-pix_fmt yuv420p10le -c:a flac",
        ["high-range.mp4"] =
            $"{Test("320x180", 25)} -c:v libx265 -preset ultrafast -pix_fmt yuv420p10le -color_primaries bt2020 "
            + "-color_trc smpte2084 -colorspace bt2020nc -x265-params "
            + "log-level=none:colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc",
        ["old.avi"] = $"{Test("320x240", 12)} {Sound} -c:v mpeg4 -c:a libmp3lame",
        ["camera.flv"] = $"{Test("320x180", 25)} {Sound} -c:v flv -c:a libmp3lame -ar 44100",
        ["tail-of-one-sound.mp4"] =
            "-f lavfi -i testsrc2=size=320x180:rate=30000/1001:duration=6.006 "
            + $"-f lavfi -i sine=440:duration=6.02:r=48000 {H264} -c:a aac -b:a 32k",
        ["sound-that-begins-late.mkv"] =
            $"{Test("320x180", 25)} -itsoffset 1.5 -f lavfi -i sine=440:duration=3 -map 0 -map 1 {H264} -c:a aac",
        ["picture-that-ends-first.mp4"] =
            $"-f lavfi -i testsrc2=size=320x180:rate=25:duration=2 {Sound} {H264} -c:a aac",
        ["two-languages.mkv"] =
            $"{Test("320x180", 25)} {Sound} -f lavfi -i sine=880:duration=5 -map 0 -map 1 -map 2 {H264} -c:a aac "
            + "-metadata:s:a:0 language=eng -metadata:s:a:1 language=fra",
        ["around.mkv"] =
            $"{Test("320x180", 25)} -f lavfi -i anoisesrc=d=5:a=0.1 -filter_complex "
            + $"[1:a]asplit=6[a][b][c][d][e][f];[a][b][c][d][e][f]join=inputs=6:channel_layout=5.1[s] -map 0:v "
            + $"-map [s] {H264} -c:a ac3",
        ["silent.mp4"] = $"{Test("320x180", 60)} {H264}",
    };

    /// <summary>The files of this run by name, and ffmpeg's words that make them; a second or a few each.</summary>
    public static IReadOnlyDictionary<string, string> Files { get; } =
        FaultRun.IsSoak ? All : All.Where(file => Few.Contains(file.Key)).ToDictionary();

    public async Task InitializeAsync()
    {
        platform = await PlatformProcess.StartAsync();
        foreach (var (name, words) in Files)
            videos[name] = await Publisher.UploadAsync(platform, await Publisher.MakeAsync(platform, name, words));
    }

    public async Task DisposeAsync() => await platform.DisposeAsync();

    /// <summary>What the platform says of a file's video once it is published.</summary>
    public Task<JsonElement> PublishedAsync(string file) => Publisher.UntilPublishedAsync(platform, videos[file]);

    /// <summary>A viewer's session.</summary>
    public Task<SessionOpened> OpenSessionAsync(string file) => Publisher.OpenSessionAsync(platform, videos[file]);

    private static string Test(string size, object rate) => $"-f lavfi -i testsrc2=size={size}:rate={rate}:duration=5";
}
