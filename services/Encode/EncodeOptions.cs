using EventStream.Contracts;
using EventStream.Encode.Ladder;
using EventStream.Hosting;
using Microsoft.Extensions.Configuration;

namespace EventStream.Encode;

/// <summary>The settings <c>Encode:*</c> of planner and workers.</summary>
public sealed record EncodeOptions
{
    /// <summary>x264's preset, from <c>ultrafast</c> to <c>veryslow</c>.</summary>
    public string Preset { get; init; } = "veryfast";

    /// <summary>
    /// Threads of one ffmpeg; 0 takes one for each core. Several workers of one machine share its cores best with 1.
    /// </summary>
    public int Threads { get; init; }

    /// <summary>
    /// Unix niceness of ffmpeg, 0 to 19; encoding gives way to serving, and to the first rungs of other videos.
    /// </summary>
    public int Niceness { get; init; } = 15;

    /// <summary>The same of what makes a video playable: its probe, its first rung and its main sound.</summary>
    public int FirstNiceness { get; init; } = 5;

    /// <summary>Length of a segment and of a GOP, to the nearest whole frame.</summary>
    public double SegmentSeconds { get; init; } = 2;

    public int AudioBitsPerSecond { get; init; } = 128_000;

    /// <summary>The picture of a source that lasts so many seconds or longer is encoded in chunks.</summary>
    public double ChunkFromSeconds { get; init; } = 600;

    /// <summary>Length of a chunk, to the nearest whole segment.</summary>
    public double ChunkSeconds { get; init; } = 60;

    /// <summary>
    /// Folder for what is not finished yet; everything in it may be lost. It must allow programs to run (no
    /// <c>noexec</c>).
    /// </summary>
    public string WorkFolder { get; init; } = Path.Combine(Path.GetTempPath(), "eventstream-encode");

    /// <summary>The worker's name in events; two workers never share one.</summary>
    public string WorkerId { get; init; } = $"{Environment.MachineName.ToLowerInvariant()}-{Environment.ProcessId}";

    /// <summary>
    /// Name of the ladder policy: <c>per-title</c>, whose rungs are placed by samples of each title, or
    /// <c>standard</c>, of fixed bitrates.
    /// </summary>
    public string Ladder { get; init; } = "per-title";

    /// <summary>
    /// The codecs that pictures are encoded in, with commas between: <c>h264</c>, which every device plays, and any of
    /// <c>hevc</c>, <c>av1</c> and <c>vp9</c> (with Opus), whose ladders are made after that one is published.
    /// </summary>
    public string Ladders { get; init; } = PictureCodec.H264;

    /// <summary>Whether what was made of a file serves again when the same file is uploaded again.</summary>
    public bool Cache { get; init; } = true;

    /// <summary>
    /// Whether sources in HDR10 or HLG get rungs of HEVC Main 10 in their own range too, for devices that show it.
    /// </summary>
    public bool HighRange { get; init; }

    /// <summary>
    /// Rungs with more lines than this are made when a viewer comes, and are not waited for; 0 makes all at once. What
    /// a video was planned with stays, whatever is set later.
    /// </summary>
    public int OnRequestAbove { get; init; }

    /// <summary>Rungs that were made on request are deleted when no viewer was there for so long.</summary>
    public TimeSpan OnRequestKeep { get; init; } = TimeSpan.FromDays(7);

    /// <summary>How often a task is tried in all before its job is given up.</summary>
    public int MaxAttempts { get; init; } = 3;

    /// <summary>A program that writes nothing for so long hangs and is stopped.</summary>
    public TimeSpan ProgramQuietMax { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>
    /// A running task without a heartbeat for so long is sent again: its worker is gone, or its reports are lost.
    /// </summary>
    public TimeSpan RunningQuietMax { get; init; } = TimeSpan.FromSeconds(90);

    /// <summary>
    /// A task that no worker has started for so long is sent again, which costs nothing if it was only waiting.
    /// </summary>
    public TimeSpan WaitingQuietMax { get; init; } = TimeSpan.FromMinutes(15);

    /// <summary>
    /// From so many machines with workers on, each rung is a task of its own. On fewer, the rungs after the first are
    /// one task that decodes the source once and takes a quarter less CPU.
    /// </summary>
    public int SpreadFrom { get; init; } = 3;

    /// <summary>
    /// The lanes that a worker takes tasks from: <c>fast</c>, which makes videos playable, <c>heavy</c>, which is the
    /// rest, or <c>both</c>. Each lane needs a worker.
    /// </summary>
    public string Lanes { get; init; } = BothLanes;

    /// <summary>
    /// Seconds of a step of the lanes' load. It must not be longer than <c>Capacity:StepSeconds</c>.
    /// </summary>
    public double LoadStepSeconds { get; init; } = 10;

    private const string BothLanes = "both";

    private static readonly string[] Presets =
        "ultrafast superfast veryfast faster fast medium slow slower veryslow".Split(' ');

    /// <summary>Whether a worker takes the tasks of a lane.</summary>
    public bool Takes(string lane) => Lanes == BothLanes || Lanes == lane;

    /// <summary>Reads the settings; adds a sentence to <paramref name="errors"/> for each that is wrong.</summary>
    public static EncodeOptions Read(IConfiguration configuration, ICollection<string> errors)
    {
        var options = new SettingsReader(configuration, "Encode", errors).Bind<EncodeOptions>();
        foreach (var error in options.Errors())
            errors.Add($"Encode:{error}.");
        return options;
    }

    private IEnumerable<string> Errors()
    {
        if (!Presets.Contains(Preset))
            yield return $"Preset '{Preset}' must be one of {string.Join(", ", Presets)}";
        if (Threads is < 0 or > 64)
            yield return $"Threads {Threads} must be 0 (one for each core) to 64";
        if (Niceness is < 0 or > 19)
            yield return $"Niceness {Niceness} must be 0 to 19";
        if (FirstNiceness < 0 || FirstNiceness > Niceness)
            yield return $"FirstNiceness {FirstNiceness} must be 0 to Niceness {Niceness}";
        if (SegmentSeconds is not (>= 0.5 and <= 20))
            yield return $"SegmentSeconds {SegmentSeconds} must be 0.5 to 20";
        if (AudioBitsPerSecond is < 16_000 or > 512_000)
            yield return $"AudioBitsPerSecond {AudioBitsPerSecond} must be 16000 to 512000";
        if (OnRequestAbove is < 0 or > 10_000)
            yield return $"OnRequestAbove {OnRequestAbove} must be 0 (none) to 10000 lines";
        if (OnRequestKeep < TimeSpan.FromSeconds(1) || OnRequestKeep > TimeSpan.FromDays(3650))
            yield return $"OnRequestKeep {OnRequestKeep} must be 00:00:01 to 3650 days";
        if (ChunkSeconds is not (>= 1 and <= 3600))
            yield return $"ChunkSeconds {ChunkSeconds} must be 1 to 3600";
        if (!(ChunkFromSeconds >= ChunkSeconds))
            yield return $"ChunkFromSeconds {ChunkFromSeconds} must not be below ChunkSeconds {ChunkSeconds}";
        if (MaxAttempts is < 1 or > 20)
            yield return $"MaxAttempts {MaxAttempts} must be 1 to 20";
        if (SpreadFrom is < 1 or > 10_000)
            yield return $"SpreadFrom {SpreadFrom} must be 1 to 10000";
        if (!EncodeLanes.All.Any(Takes))
            yield return $"Lanes '{Lanes}' must be {string.Join(", ", EncodeLanes.All)} or {BothLanes}";
        if (LoadStepSeconds is not (>= 0.1 and <= 3600))
            yield return $"LoadStepSeconds {LoadStepSeconds} must be 0.1 to 3600";
        if (!IsName(WorkerId))
            yield return $"WorkerId '{WorkerId}' must be 1 to 64 letters, digits, '.', '_' or '-'";
        if (string.IsNullOrWhiteSpace(WorkFolder))
            yield return "WorkFolder is empty; name a folder or leave the setting out";
        if (WorkFolder.AsSpan().IndexOfAny('"', '\\') >= 0)
            yield return $"WorkFolder '{WorkFolder}' must hold no quote or backslash";
        if (LadderPolicies.Find(Ladder) is null)
            yield return $"Ladder '{Ladder}' must be one of {LadderPolicies.Names}";
        foreach (var error in CodecLadder.Errors(Ladders))
            yield return $"Ladders {error}";
        if (ProgramQuietMax < TimeSpan.FromSeconds(1))
            yield return $"ProgramQuietMax {ProgramQuietMax} must be at least 00:00:01";
        if (RunningQuietMax < TimeSpan.FromSeconds(1))
            yield return $"RunningQuietMax {RunningQuietMax} must be at least 00:00:01";
        if (WaitingQuietMax < RunningQuietMax)
            yield return $"WaitingQuietMax {WaitingQuietMax} must not be below RunningQuietMax {RunningQuietMax}";
    }

    /// <summary>The worker's name is also that of its folder.</summary>
    private static bool IsName(string text) =>
        text.Length is > 0 and <= 64
        && text[0] != '.'
        && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-');
}
