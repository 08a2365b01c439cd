using EventStream.Contracts;
using EventStream.Encode;
using EventStream.Encode.Ladder;

namespace EventStream.Tests.Kit;

/// <summary>The messages of one job with the rungs 240p, 360p and 480p, sound and thumbnails.</summary>
internal static class EncodeSamples
{
    public static readonly DateTimeOffset T0 = new(2026, 11, 22, 12, 0, 0, TimeSpan.Zero);
    public static readonly DateTimeOffset T2 = T0.AddSeconds(2);
    public static readonly VideoId Id = VideoId.New(T0);
    public static readonly JobRules Rules = new(new StandardLadder(), 2, 3, 128_000);
    public static readonly SourceInfo Source = new(30, 854, 480, 24, "h264", "aac", 2, 1000);
    public static readonly VideoUploaded Uploaded = new(Id, "sources/x", 1000, "00", T0);
    public static readonly SourceProbed Probed = new(Id, Source, "w1", T0.AddSeconds(1));
    public static readonly SourceRejected Rejected = new(Id, "It is a text.", "Upload a video.", "w1", T0);
    public static readonly ThumbnailsMade Pictures = new(Id, new Thumbnails("p", "s", "i"), "w1", T0);

    public static readonly ProbeSource Probe = new(Id, "sources/x", T0);

    public static readonly EncodePlanned Plan = new(
        Id,
        new StandardLadder().Choose(Source),
        "360p",
        2,
        ["360p", "rungs", "thumbnails"],
        T2
    );

    /// <summary>What a job holds once it is planned: the command of the first rung alone.</summary>
    public static readonly IMessage[] Planned = [Probe, Finished("probe", T0.AddSeconds(1)), Plan, First()];

    /// <summary>What it holds once the first rung is done: the other commands.</summary>
    public static readonly IMessage[] Begun = [.. Planned, Finished("360p"), Rungs(), Thumbnails()];

    private static readonly Rendition Rendition = new("240p", "video", "p", "avc1.4d4015", 426, 240, 24, 1, 1, [2], 1);

    /// <summary>The first rung and the main sound.</summary>
    public static EncodeRung First(int attempt = 1, DateTimeOffset? at = null) =>
        Rung("360p", attempt, at) with
        {
            IsFirst = true,
            AudioBitrateBps = 128_000,
        };

    /// <summary>The other rungs together.</summary>
    public static EncodeRung Rungs(int attempt = 1, DateTimeOffset? at = null) =>
        Rung("240p", attempt, at) with
        {
            Also = [Plan.Ladder[2]],
            Task = "rungs",
        };

    /// <summary>A rung that is a task of its own.</summary>
    public static EncodeRung Rung(string name, int attempt = 1, DateTimeOffset? at = null) =>
        new(
            Id,
            "sources/x",
            Source,
            Plan.Ladder.Single(rung => rung.Name == name),
            2,
            $"media/{Id}/{name}",
            at ?? T2,
            attempt
        );

    public static MakeThumbnails Thumbnails() => new(Id, "sources/x", Source, $"media/{Id}/thumbs", T2);

    public static MeasureQuality Quality(DateTimeOffset at) => new(Id, "sources/x", Source, Plan.Ladder, 2, at);

    public static readonly QualityMeasured Measured = new(Id, [new("240p", 0.9, 30, 24, 5)], "w1", T0);

    public static EncodeTaskFinished Finished(string task, DateTimeOffset? at = null) => new(Id, task, "w1", at ?? T0);

    public static RenditionEncoded Encoded(string name) => new(Id, Rendition with { Name = name }, "w1", 3, T0);

    /// <summary>The report of the task that makes the other rungs together.</summary>
    public static RenditionEncoded EncodedTogether() =>
        Encoded("240p") with
        {
            Also = [Rendition with { Name = "480p" }],
            Task = "rungs",
        };

    public static EncodeTaskStarted Started(string task, int attempt) => new(Id, task, "w1", attempt, T0.AddSeconds(3));

    public static EncodeTaskFailed Failed(string task, int attempt, bool willRetry = true) =>
        new(Id, task, "w1", attempt, "disk full", willRetry, T0);

    public static EncodeTaskResent Resent(
        string task,
        int attempt,
        string reason = "disk full",
        DateTimeOffset? at = null
    ) => new(Id, task, attempt, reason, at ?? T2);
}
