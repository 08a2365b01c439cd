using EventStream.Contracts;

namespace EventStream.Encode;

/// <summary>The names of tasks, and the keys of their commands and outputs.</summary>
public static class EncodeTasks
{
    public const string Probe = "probe";
    public const string Audio = "audio";
    public const string Thumbnails = Contracts.Thumbnails.Task;
    public const string Subtitles = SourceText.Task;
    public const string Quality = RenditionQuality.Task;
    public const string Analysis = LadderSample.Task;

    /// <summary>Whether a video is whole without a task's result: what accompanies it never decides over it.</summary>
    public static bool IsByProduct(string task) =>
        task is Thumbnails or Subtitles or Quality or Analysis || VideoRange.IsTask(task) || PictureCodec.IsTask(task);

    /// <summary>The task of a sound by its place among the sounds of a source, from 0, which is the main one.</summary>
    public static string AudioAt(int place) => place == 0 ? Audio : $"{Audio}-{place + 1}";

    /// <summary>The place of the sound that a task encodes, or null for other tasks.</summary>
    public static int? AudioPlace(string task) =>
        task == Audio ? 0
        : task.StartsWith($"{Audio}-", StringComparison.Ordinal) && int.TryParse(task[(Audio.Length + 1)..], out var at)
            ? at - 1
        : null;

    /// <summary>The folder of a rendition, or of the thumbnails, in the media store.</summary>
    public static string OutputPrefix(VideoId video, string task) =>
        task == Thumbnails ? $"media/{video}/thumbs" : $"media/{video}/{task}";

    /// <summary>
    /// The key of a command. It names the task, so that the tasks of one video spread over partitions and workers.
    /// </summary>
    public static string CommandKey(ICommand command)
    {
        var (video, task, _, _) = Of(command);
        return $"{video}/{task}";
    }

    /// <summary>
    /// Whether a command goes to the first lane: what makes a video playable. The main sound was a task of an earlier
    /// program.
    /// </summary>
    public static bool IsFirstLane(ICommand command) =>
        command is ProbeSource or EncodeAudio { Task: null } or EncodeRung { IsFirst: true };

    /// <summary>
    /// The task, attempt and time of a command. Throws <see cref="UnknownMessageException"/> for one that is not
    /// ours.
    /// </summary>
    public static (VideoId Video, string Task, int Attempt, DateTimeOffset RequestedAt) Of(IMessage command) =>
        command switch
        {
            ProbeSource c => (c.VideoId, Probe, c.Attempt, c.RequestedAt),
            EncodeRung c => (c.VideoId, c.Task ?? c.Rung.Name, c.Attempt, c.RequestedAt),
            EncodeHighRange c => (c.VideoId, c.Rung.Name, c.Attempt, c.RequestedAt),
            EncodeLadder c => (c.VideoId, c.Codec, c.Attempt, c.RequestedAt),
            EncodeAudio c => (c.VideoId, c.Task ?? Audio, c.Attempt, c.RequestedAt),
            MakeThumbnails c => (c.VideoId, Thumbnails, c.Attempt, c.RequestedAt),
            MakeSubtitles c => (c.VideoId, Subtitles, c.Attempt, c.RequestedAt),
            AnalyseSource c => (c.VideoId, Analysis, c.Attempt, c.RequestedAt),
            MeasureQuality c => (c.VideoId, Quality, c.Attempt, c.RequestedAt),
            _ => throw new UnknownMessageException(command.GetType().Name),
        };
}
