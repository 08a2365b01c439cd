using System.Text;
using EventStream.Contracts;
using EventStream.Encode.Ffmpeg;
using EventStream.Encode.Packaging;
using EventStream.Media;
using EventStream.Processes;

namespace EventStream.Encode.Worker;

/// <summary>
/// Writes the subtitles of a source as WebVTT. They never decide over the video: a text that cannot be read becomes a
/// rendition without segments, which no manifest names.
/// </summary>
public sealed class SubtitleWork(IMediaStore media, FfmpegRunner ffmpeg)
{
    /// <summary>The text of a long film is a tenth of this; more is cut off.</summary>
    public const int TextBytesMax = 4 * 1024 * 1024;

    private const string Codecs = "wvtt";

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
                    FfmpegRecipes.Subtitles(source.Path, texts, PathOf, TextBytesMax, PlayedPart.Of(command.Source)),
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
            made.Add(await StoreAsync(command, NameOf(place), label, cues, cancellation));
        }

        return new SubtitlesMade(command.VideoId, made, reporter.Worker, reporter.Now);
    }

    private static string NameOf(int place) => $"{Rendition.Text}-{place + 1}";

    private async Task<Rendition> StoreAsync(
        MakeSubtitles command,
        string name,
        TrackLabel? label,
        IReadOnlyList<WebVttCue> cues,
        CancellationToken cancellation
    )
    {
        var prefix = $"{command.OutputPrefix}/{name}";
        if (cues.Count == 0)
            return new Rendition(name, Rendition.Text, prefix, Codecs, 0, 0, 0, 0, 0, [], 0, label);
        var segments = WebVtt.Cut(cues, command.Source.DurationSeconds);
        var seconds = segments.Select(segment => segment.Seconds).ToList();
        var list = new SegmentList([
            .. segments.Select(segment => new Segment(0, segment.Seconds, Encoding.UTF8.GetByteCount(segment.Text))),
        ]);
        var bytes = await WriteAsync($"{prefix}/{WebVtt.WholeName}", WebVtt.Whole(cues), cancellation);
        for (var i = 0; i < segments.Count; i++)
            bytes += await WriteAsync($"{prefix}/{WebVtt.SegmentName(i + 1)}", segments[i].Text, cancellation);
        bytes += await WriteAsync($"{prefix}/{MediaPlaylist.FileName}", WebVtt.Playlist(seconds), cancellation);
        return new Rendition(
            name,
            Rendition.Text,
            prefix,
            Codecs,
            0,
            0,
            0,
            list.PeakBps,
            list.AverageBps,
            seconds,
            bytes,
            label
        );
    }

    private async Task<long> WriteAsync(string key, string text, CancellationToken cancellation)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        await media.WriteAsync(key, new MemoryStream(bytes), cancellation);
        return bytes.LongLength;
    }
}
