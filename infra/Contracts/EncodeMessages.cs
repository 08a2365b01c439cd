namespace EventStream.Contracts;

/// <summary>
/// The mark in the media store that nothing more is to be encoded of a video: workers drop its commands and stop its
/// tasks.
/// </summary>
public static class EncodeStop
{
    public static string KeyOf(VideoId video) => $"encode/{video}/stopped";
}

/// <summary>
/// Read the source with ffprobe and say what it is. Goes to the first lane. <paramref name="Attempt"/> counts from 1,
/// here and in the other commands. <paramref name="Sha256"/> is the source's, in lower-case hex.
/// </summary>
[WireName("encode.probe-source.v1")]
public sealed record ProbeSource(
    VideoId VideoId,
    string SourceKey,
    DateTimeOffset RequestedAt,
    int Attempt = 1,
    string? Sha256 = null
) : ICommand;

/// <summary>
/// Encode and package one rung, or the <paramref name="Chunk"/> of it. GOPs last exactly
/// <paramref name="SegmentSeconds"/> so that rungs switch anywhere.
/// <paramref name="IsFirst"/> is true for the rung that makes the video playable; it goes to the first lane. The
/// rungs of <paramref name="Also"/>, and the main sound where <paramref name="AudioBitrateBps"/> is set, are
/// encoded in the same reading of the source. <paramref name="Task"/> is null where the task has the rung's name.
/// </summary>
[WireName("encode.encode-rung.v1")]
public sealed record EncodeRung(
    VideoId VideoId,
    string SourceKey,
    SourceInfo Source,
    Rung Rung,
    double SegmentSeconds,
    string OutputPrefix,
    DateTimeOffset RequestedAt,
    int Attempt = 1,
    bool? IsFirst = null,
    IReadOnlyList<Rung>? Also = null,
    int? AudioBitrateBps = null,
    string? Task = null,
    RungChunk? Chunk = null
) : ICommand
{
    /// <summary>The name of the task that encodes every rung after the first one together.</summary>
    public const string Together = "rungs";
}

/// <summary>
/// Part <paramref name="Number"/> of <paramref name="Of"/> of a long source, from 1: <paramref name="Segments"/> whole
/// segments from number <paramref name="FirstSegment"/> on; the last part, where it is null, goes to the end.
/// </summary>
public sealed record RungChunk(int Number, int Of, int FirstSegment, int? Segments = null);

/// <summary>
/// Make one playlist of the <paramref name="Chunks"/> parts of rungs whose segments are stored. Goes to the first lane.
/// </summary>
[WireName("encode.join-chunks.v1")]
public sealed record JoinChunks(
    VideoId VideoId,
    IReadOnlyList<Rung> Rungs,
    int Chunks,
    string Task,
    DateTimeOffset RequestedAt,
    int Attempt = 1
) : ICommand;

/// <summary>
/// Encode and package one rung as HEVC Main 10 in the high dynamic range of the source, beside the ladder that every
/// device plays.
/// </summary>
[WireName("encode.encode-high-range.v1")]
public sealed record EncodeHighRange(
    VideoId VideoId,
    string SourceKey,
    SourceInfo Source,
    Rung Rung,
    double SegmentSeconds,
    string OutputPrefix,
    DateTimeOffset RequestedAt,
    int Attempt = 1
) : ICommand;

/// <summary>
/// Encode and package a further ladder: <paramref name="Rungs"/> in <paramref name="Codec"/>, one of
/// <see cref="PictureCodec.Further"/>, whose constant qualities are on that codec's own scale. Where
/// <paramref name="OpusBitrateBps"/> is set, every sound of the source is made as stereo Opus besides. Sent when all
/// that every device plays is made; the task has the codec's name.
/// </summary>
[WireName("encode.encode-ladder.v1")]
public sealed record EncodeLadder(
    VideoId VideoId,
    string SourceKey,
    SourceInfo Source,
    string Codec,
    IReadOnlyList<Rung> Rungs,
    double SegmentSeconds,
    DateTimeOffset RequestedAt,
    int Attempt = 1,
    int? OpusBitrateBps = null
) : ICommand;

/// <summary>
/// Encode and package a sound as stereo AAC: <paramref name="Sound"/>, or the first of the source where it is null.
/// Bitrate in bits per second. <paramref name="Task"/> is null for the main sound, whose task is <c>audio</c>.
/// </summary>
[WireName("encode.encode-audio.v1")]
public sealed record EncodeAudio(
    VideoId VideoId,
    string SourceKey,
    SourceInfo Source,
    int BitrateBps,
    double SegmentSeconds,
    string OutputPrefix,
    DateTimeOffset RequestedAt,
    int Attempt = 1,
    SourceSound? Sound = null,
    string? Task = null
) : ICommand;

/// <summary>Make the poster and the thumbnail sprite with its WebVTT index.</summary>
[WireName("encode.make-thumbnails.v1")]
public sealed record MakeThumbnails(
    VideoId VideoId,
    string SourceKey,
    SourceInfo Source,
    string OutputPrefix,
    DateTimeOffset RequestedAt,
    int Attempt = 1
) : ICommand;

/// <summary>Write the subtitles of the source as WebVTT, one rendition for each of its texts.</summary>
[WireName("encode.make-subtitles.v1")]
public sealed record MakeSubtitles(
    VideoId VideoId,
    string SourceKey,
    SourceInfo Source,
    string OutputPrefix,
    DateTimeOffset RequestedAt,
    int Attempt = 1
) : ICommand;

/// <summary>
/// Encode short excerpts of the source as each of <paramref name="Samples"/>, whose rungs are those of
/// <paramref name="Ladder"/>, and measure what comes of it.
/// </summary>
[WireName("encode.analyse-source.v1")]
public sealed record AnalyseSource(
    VideoId VideoId,
    string SourceKey,
    SourceInfo Source,
    IReadOnlyList<Rung> Ladder,
    IReadOnlyList<LadderSample> Samples,
    double SegmentSeconds,
    DateTimeOffset RequestedAt,
    int Attempt = 1
) : ICommand;

/// <summary>
/// Compare the stored renditions of <paramref name="Rungs"/> with the source. Sent when everything else is done.
/// </summary>
[WireName("encode.measure-quality.v1")]
public sealed record MeasureQuality(
    VideoId VideoId,
    string SourceKey,
    SourceInfo Source,
    IReadOnlyList<Rung> Rungs,
    double SegmentSeconds,
    DateTimeOffset RequestedAt,
    int Attempt = 1
) : ICommand;

/// <summary>The worker read the source and found a video that can be encoded.</summary>
[WireName("encode.source-probed.v1")]
public sealed record SourceProbed(VideoId VideoId, SourceInfo Source, string Worker, DateTimeOffset ProbedAt) : IEvent;

/// <summary>The source is not a video that can be encoded.</summary>
[WireName("encode.source-rejected.v1")]
public sealed record SourceRejected(
    VideoId VideoId,
    string Reason,
    string Remedy,
    string Worker,
    DateTimeOffset RejectedAt
) : IEvent;

/// <summary>
/// The planner chose the ladder and the tasks, named in <paramref name="Tasks"/>. Each is sent as a command: that of
/// <paramref name="FirstRung"/> at once, the others when it is done. Rungs of a long source are made in chunks of
/// <paramref name="ChunkSegments"/> segments; then the first chunk and the main sound are sent at once.
/// </summary>
[WireName("encode.planned.v1")]
public sealed record EncodePlanned(
    VideoId VideoId,
    IReadOnlyList<Rung> Ladder,
    string FirstRung,
    double SegmentSeconds,
    IReadOnlyList<string> Tasks,
    DateTimeOffset PlannedAt,
    int? ChunkSegments = null
) : IEvent;

/// <summary>The samples of a source, encoded and measured in <paramref name="AnalysisSeconds"/> of wall time.</summary>
[WireName("encode.source-analysed.v1")]
public sealed record SourceAnalysed(
    VideoId VideoId,
    IReadOnlyList<LadderSample> Samples,
    string Worker,
    double AnalysisSeconds,
    DateTimeOffset AnalysedAt
) : IEvent;

/// <summary>
/// The ladder that replaces the planned one: its first rung is the same, and <paramref name="Tasks"/> make the others.
/// <paramref name="Samples"/> are what it follows from; null where the analysis was given up.
/// </summary>
[WireName("encode.ladder-chosen.v1")]
public sealed record EncodeLadderChosen(
    VideoId VideoId,
    IReadOnlyList<Rung> Ladder,
    IReadOnlyList<string> Tasks,
    DateTimeOffset ChosenAt,
    IReadOnlyList<LadderSample>? Samples = null
) : IEvent;

/// <summary>
/// A worker took a task. A task is a rung's name, <c>rungs</c> (all after the first), <c>audio</c> (others
/// <c>audio-2</c> and so on), <c>subtitles</c>, <c>thumbnails</c>, <c>analysis</c>, <c>quality</c>, <c>probe</c>, or
/// the codec of a further ladder. A chunk is <c>360p.1</c> or <c>rungs.1</c> and so on; the task without the number
/// joins the chunks.
/// </summary>
[WireName("encode.task-started.v1")]
public sealed record EncodeTaskStarted(
    VideoId VideoId,
    string Task,
    string Worker,
    int Attempt,
    DateTimeOffset StartedAt
) : IEvent;

/// <summary>How far a task is. <paramref name="Fraction"/> in 0..1; speed in media seconds per wall second.</summary>
[WireName("encode.task-progressed.v1")]
public sealed record EncodeTaskProgressed(
    VideoId VideoId,
    string Task,
    string Worker,
    double Fraction,
    double Speed,
    DateTimeOffset At
) : IEvent;

/// <summary>
/// One rung or the audio is encoded, packaged and stored, and those of <paramref name="Also"/> with it. Encode time in
/// wall seconds. <paramref name="Task"/> is null where the task has the rendition's name.
/// </summary>
[WireName("encode.rendition-encoded.v1")]
public sealed record RenditionEncoded(
    VideoId VideoId,
    Rendition Rendition,
    string Worker,
    double EncodeSeconds,
    DateTimeOffset EncodedAt,
    IReadOnlyList<Rendition>? Also = null,
    string? Task = null
) : IEvent
{
    /// <summary>The task that is done.</summary>
    public string TaskName() => Task ?? Rendition.Name;

    /// <summary>All that it made.</summary>
    public IReadOnlyList<Rendition> All() => [Rendition, .. Also ?? []];
}

/// <summary>
/// A chunk of one or more rungs is encoded and stored: each of <paramref name="Parts"/> is the rendition of that part
/// alone. Viewers may have the rung where <paramref name="IsFirst"/>, while it grows. Encode time in wall seconds.
/// </summary>
[WireName("encode.chunk-encoded.v1")]
public sealed record ChunkEncoded(
    VideoId VideoId,
    string Task,
    IReadOnlyList<Rendition> Parts,
    int Number,
    int Of,
    bool IsFirst,
    string Worker,
    double EncodeSeconds,
    DateTimeOffset EncodedAt
) : IEvent;

/// <summary>Poster, sprite and index are stored.</summary>
[WireName("encode.thumbnails-made.v1")]
public sealed record ThumbnailsMade(VideoId VideoId, Thumbnails Thumbnails, string Worker, DateTimeOffset MadeAt)
    : IEvent;

/// <summary>The subtitles are stored; one without segments held no text.</summary>
[WireName("encode.subtitles-made.v1")]
public sealed record SubtitlesMade(
    VideoId VideoId,
    IReadOnlyList<Rendition> Texts,
    string Worker,
    DateTimeOffset MadeAt
) : IEvent;

/// <summary>The renditions were compared with their source.</summary>
[WireName("encode.quality-measured.v1")]
public sealed record QualityMeasured(
    VideoId VideoId,
    IReadOnlyList<RenditionQuality> Qualities,
    string Worker,
    DateTimeOffset MeasuredAt
) : IEvent;

/// <summary>Rungs of a video that are made when a viewer comes, and not before.</summary>
[WireName("encode.rungs-deferred.v1")]
public sealed record EncodeRungsDeferred(VideoId VideoId, IReadOnlyList<Rung> Rungs, DateTimeOffset DeferredAt)
    : IEvent;

/// <summary>A viewer came, and the deferred rungs of the video are made.</summary>
[WireName("encode.rungs-requested.v1")]
public sealed record EncodeRungsRequested(VideoId VideoId, IReadOnlyList<Rung> Rungs, DateTimeOffset RequestedAt)
    : IEvent;

/// <summary>
/// No viewer came for long, and the deferred rungs of the video are given up until one comes. <c>Prefixes</c> are the
/// folders of the media store that their files are in.
/// </summary>
[WireName("encode.rungs-evicted.v1")]
public sealed record EncodeRungsEvicted(
    VideoId VideoId,
    IReadOnlyList<string> Rungs,
    IReadOnlyList<string> Prefixes,
    DateTimeOffset EvictedAt
) : IEvent;

/// <summary>A task failed. It is sent again while <paramref name="WillRetry"/>; else the job is given up.</summary>
[WireName("encode.task-failed.v1")]
public sealed record EncodeTaskFailed(
    VideoId VideoId,
    string Task,
    string Worker,
    int Attempt,
    string Cause,
    bool WillRetry,
    DateTimeOffset FailedAt
) : IEvent;

/// <summary>Every task of the job is done. Encode time in wall seconds from the plan to the last task.</summary>
[WireName("encode.completed.v1")]
public sealed record EncodeCompleted(VideoId VideoId, double TotalSeconds, DateTimeOffset CompletedAt) : IEvent;

/// <summary>
/// The planner sent the command of a task again, as attempt number <paramref name="Attempt"/>;
/// <paramref name="Reason"/> says why in a sentence.
/// </summary>
[WireName("encode.task-resent.v1")]
public sealed record EncodeTaskResent(VideoId VideoId, string Task, int Attempt, string Reason, DateTimeOffset SentAt)
    : IEvent;

/// <summary>
/// The planner noted the result of a task: the job's own record of what the worker's report says in full. Where
/// <paramref name="Cause"/> is set, the task was given up for it and the job goes on without its result.
/// </summary>
[WireName("encode.task-finished.v1")]
public sealed record EncodeTaskFinished(
    VideoId VideoId,
    string Task,
    string Worker,
    DateTimeOffset FinishedAt,
    string? Cause = null
) : IEvent;

/// <summary>
/// The job ended without a whole ladder: the source is no video (<paramref name="Rejected"/>), the worker gave up
/// <paramref name="Task"/>, or the publisher deleted the video. What the planner itself gives up is an
/// <see cref="EncodeTaskFailed"/>.
/// </summary>
[WireName("encode.stopped.v1")]
public sealed record EncodeStopped(VideoId VideoId, string Task, bool Rejected, string Reason, DateTimeOffset StoppedAt)
    : IEvent;
