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

    /// <summary>The name of a chunk of the task that joins it; chunks count from 1.</summary>
    public static string ChunkAt(string join, int number) => $"{join}.{number}";

    /// <summary>The joining task and the number of a chunk, or null for other tasks.</summary>
    public static (string Join, int Number)? ChunkOf(string task) =>
        task.LastIndexOf('.') is > 0 and var dot && int.TryParse(task[(dot + 1)..], out var number)
            ? (task[..dot], number)
            : null;

    /// <summary>What a chunk stored, written when all of it is; the joining task reads it.</summary>
    public static string ChunkKey(VideoId video, string task) => $"encode/{video}/{task}.chunk";

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

    /// <summary>The folder of a rung: the command names that of its own; those of others have their names.</summary>
    public static string OutputPrefix(EncodeRung command, string rung) =>
        rung == command.Rung.Name ? command.OutputPrefix : OutputPrefix(command.VideoId, rung);

    /// <summary>What the reports of a task are about: the task, and its folder where that has another name.</summary>
    public static string SubjectOf(ICommand command)
    {
        var key = CommandKey(command);
        return
            command is EncodeRung { Task: null, Rung.Name: var rung, OutputPrefix: var prefix }
            && prefix[(prefix.LastIndexOf('/') + 1)..] is var folder
            && folder != rung
            ? $"{key}/{folder}"
            : key;
    }

    /// <summary>
    /// Whether a command goes to the first lane: what makes a video playable, and the joining of chunks, which takes no
    /// time and ends a playlist for which viewers wait. The main sound is a task of its own where the picture is cut.
    /// A chunk of the first rung that is tried again goes there too: viewers get nothing that comes after it.
    /// </summary>
    public static bool IsFirstLane(ICommand command) =>
        command
            is ProbeSource
                or EncodeAudio { Task: null }
                or EncodeRung { IsFirst: true, Chunk: null or { Number: 1 } }
                or EncodeRung { IsFirst: true, Attempt: > 1 }
                or JoinChunks;

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
            JoinChunks c => (c.VideoId, c.Task, c.Attempt, c.RequestedAt),
            MakeThumbnails c => (c.VideoId, Thumbnails, c.Attempt, c.RequestedAt),
            MakeSubtitles c => (c.VideoId, Subtitles, c.Attempt, c.RequestedAt),
            AnalyseSource c => (c.VideoId, Analysis, c.Attempt, c.RequestedAt),
            MeasureQuality c => (c.VideoId, Quality, c.Attempt, c.RequestedAt),
            _ => throw new UnknownMessageException(command.GetType().Name),
        };
}
