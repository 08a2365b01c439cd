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

    /// <summary>Unix niceness of ffmpeg, 0 to 19; encoding gives way to serving.</summary>
    public int Niceness { get; init; } = 10;

    /// <summary>Length of a segment and of a GOP, to the nearest whole frame.</summary>
    public double SegmentSeconds { get; init; } = 2;

    public int AudioBitsPerSecond { get; init; } = 128_000;

    /// <summary>
    /// Folder for what is not finished yet; everything in it may be lost. It must allow programs to run (no
    /// <c>noexec</c>).
    /// </summary>
    public string WorkFolder { get; init; } = Path.Combine(Path.GetTempPath(), "eventstream-encode");

    /// <summary>The worker's name in events; two workers never share one.</summary>
    public string WorkerId { get; init; } = $"{Environment.MachineName.ToLowerInvariant()}-{Environment.ProcessId}";

    /// <summary>Name of the ladder policy.</summary>
    public string Ladder { get; init; } = "standard";

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

    private static readonly string[] Presets =
    [
        "ultrafast",
        "superfast",
        "veryfast",
        "faster",
        "fast",
        "medium",
        "slow",
        "slower",
        "veryslow",
    ];

    /// <summary>
    /// Reads and checks the settings. Throws <see cref="RoleConfigurationException"/> with every error in it.
    /// </summary>
    public static EncodeOptions From(IConfiguration configuration, string role)
    {
        EncodeOptions options;
        try
        {
            options = configuration.GetSection("Encode").Get<EncodeOptions>() ?? new EncodeOptions();
        }
        catch (InvalidOperationException e)
        {
            throw new RoleConfigurationException(
                role,
                $"Encode:* cannot be read: {e.InnerException?.Message ?? e.Message}"
            );
        }

        var errors = options.Errors().ToList();
        return errors.Count == 0
            ? options
            : throw new RoleConfigurationException(role, string.Join("; ", errors) + ".");
    }

    private IEnumerable<string> Errors()
    {
        var ladders = string.Join(", ", LadderPolicies.All.Select(policy => policy.Name));
        (bool Wrong, string Error)[] rules =
        [
            (!Presets.Contains(Preset), $"Preset '{Preset}' must be one of {string.Join(", ", Presets)}"),
            (Threads is < 0 or > 64, $"Threads {Threads} must be 0 (one for each core) to 64"),
            (Niceness is < 0 or > 19, $"Niceness {Niceness} must be 0 to 19"),
            (!(SegmentSeconds is >= 0.5 and <= 20), $"SegmentSeconds {SegmentSeconds} must be 0.5 to 20"),
            (
                AudioBitsPerSecond is < 16_000 or > 512_000,
                $"AudioBitsPerSecond {AudioBitsPerSecond} must be 16000 to 512000"
            ),
            (MaxAttempts is < 1 or > 20, $"MaxAttempts {MaxAttempts} must be 1 to 20"),
            (!IsName(WorkerId), $"WorkerId '{WorkerId}' must be 1 to 64 letters, digits, '.', '_' or '-'"),
            (string.IsNullOrWhiteSpace(WorkFolder), "WorkFolder is empty; name a folder or leave the setting out"),
            (
                WorkFolder.AsSpan().IndexOfAny('"', '\\') >= 0,
                $"WorkFolder '{WorkFolder}' must hold no quote or backslash"
            ),
            (LadderPolicies.Find(Ladder) is null, $"Ladder '{Ladder}' must be one of {ladders}"),
            (ProgramQuietMax < TimeSpan.FromSeconds(1), $"ProgramQuietMax {ProgramQuietMax} must be at least 00:00:01"),
            (RunningQuietMax < TimeSpan.FromSeconds(1), $"RunningQuietMax {RunningQuietMax} must be at least 00:00:01"),
            (
                WaitingQuietMax < RunningQuietMax,
                $"WaitingQuietMax {WaitingQuietMax} must not be below RunningQuietMax {RunningQuietMax}"
            ),
        ];
        return rules.Where(rule => rule.Wrong).Select(rule => $"Encode:{rule.Error}");
    }

    /// <summary>The worker's name is also that of its folder.</summary>
    private static bool IsName(string text) =>
        text.Length is > 0 and <= 64
        && text[0] != '.'
        && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-');
}
