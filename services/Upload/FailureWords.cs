namespace EventStream.Upload;

/// <summary>
/// What a publisher reads of a task that failed: a sentence of ours. The cause in the words of the tools, with the
/// paths and addresses that they name, is in the events and the jobs of the role <c>encode</c>, for operators.
/// </summary>
public static class FailureWords
{
    /// <summary>
    /// The sentence for a task: <c>probe</c>, a sound, a by-product, or the name of a rung. A chunk fails as its rung.
    /// </summary>
    public static string Of(string task) =>
        task.Split('.')[0] switch
        {
            "probe" => "The file could not be read.",
            Contracts.EncodeRung.Together => "The picture of the file could not be encoded.",
            _ when task.StartsWith("audio", StringComparison.Ordinal) => "The sound of the file could not be encoded.",
            Contracts.SourceText.Task => "The subtitles of the file could not be read.",
            Contracts.LadderSample.Task => "The picture could not be analysed; it is encoded with the usual bitrates.",
            Contracts.RenditionQuality.Task => "The quality of the picture could not be measured.",
            Contracts.Thumbnails.Task => "No preview pictures could be made of the file.",
            _ when Contracts.VideoRange.IsTask(task) =>
                "The picture of the file could not be encoded in its high dynamic range.",
            _ when Contracts.PictureCodec.IsTask(task) =>
                $"The picture of the file could not be encoded as {task.ToUpperInvariant()}; it plays as H.264.",
            var rung => $"The picture of the file could not be encoded in {rung}.",
        };
}
