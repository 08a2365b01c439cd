using EventStream.Contracts;
using EventStream.Encode.Ffmpeg;
using EventStream.Media;
using EventStream.Media.Text;
using EventStream.Processes;

namespace EventStream.Encode.Worker;

/// <summary>
/// Writes the subtitles of a source as WebVTT. They never decide over the video: a text that cannot be read becomes a
/// rendition without segments, which no manifest names.
/// </summary>
public sealed class SubtitleWork(IMediaStore media, FfmpegRunner ffmpeg)
{
    /// <summary>
    /// Makes them in <paramref name="folder"/> and stores them. Throws <see cref="MediaNotFoundException"/>,
    /// <see cref="IOException"/>, or <see cref="ProgramFailedException"/> where ffmpeg could not run to its end.
    /// </summary>
    public async Task<SubtitlesMade> DoAsync(
        MakeSubtitles command,
        string folder,
        TaskReporter reporter,
        CancellationToken cancellation
    )
    {
        using var source = await media.FetchAsync(command.SourceKey, cancellation);
        var texts = command.Source.Texts ?? [];
        string PathOf(int place) => Path.Combine(folder, $"{NameOf(place)}.vtt");
        try
        {
            if (texts.Count > 0)
                await ffmpeg.RunAsync(
                    FfmpegRecipes.Subtitles(
                        source.Path,
                        texts,
                        PathOf,
                        WebVttTrack.BytesMax,
                        PlayedPart.Of(command.Source)
                    ),
                    progress => reporter.Progress(0, progress.Speed, cancellation),
                    cancellation
                );
        }
        catch (ProgramFailedException e) when (e.ExitCode is not null)
        {
            // A text is broken; what was written up to there, and of the others, is kept.
        }

        var made = new List<Rendition>();
        for (var place = 0; place < texts.Count; place++)
        {
            var written = File.Exists(PathOf(place)) ? await File.ReadAllTextAsync(PathOf(place), cancellation) : "";
            var cues = WebVtt.Read(written, command.Source.DurationSeconds);
            var label = Languages.Label(texts[place], NameOf(place));
            made.Add(
                await WebVttTrack.StoreAsync(
                    media,
                    NameOf(place),
                    $"{command.OutputPrefix}/{NameOf(place)}",
                    label,
                    cues,
                    command.Source.DurationSeconds,
                    cancellation
                )
            );
        }

        return new SubtitlesMade(command.VideoId, made, reporter.Worker, reporter.Now);
    }

    private static string NameOf(int place) => $"{Rendition.Text}-{place + 1}";
}
