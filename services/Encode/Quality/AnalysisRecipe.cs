using EventStream.Contracts;
using EventStream.Encode.Ffmpeg;
using FFMpegCore;

namespace EventStream.Encode.Quality;

/// <summary>What ffmpeg is asked to encode of an excerpt; pure.</summary>
public static class AnalysisRecipe
{
    /// <summary>
    /// Each rung at its constant quality as bare H.264, so that a file's size is that of its picture, in one reading of
    /// the source and by the options of <see cref="FfmpegRecipes.Tracks"/> but for the bound on bits.
    /// </summary>
    public static FFMpegArgumentProcessor Encode(
        string source,
        SourceInfo info,
        Excerpt excerpt,
        double segmentSeconds,
        IReadOnlyList<Rung> rungs,
        string preset,
        int threads,
        Func<int, string> output
    )
    {
        var rate = FrameRate.FromHz(info.FramesPerSecond);
        var gop = rate.FramesPerGop(segmentSeconds);
        string Options(int place) =>
            $"-map [v{place}] -c:v libx264 -preset {preset} -profile:v {FfmpegRecipes.Profile(rungs[place])} "
            + FormattableString.Invariant($"-crf {rungs[place].Crf} -g {gop} -keyint_min {gop} -sc_threshold 0 ")
            + $"-flags +cgop -threads {threads} -f h264";
        // The library has no second output: all but the last are words before it.
        var others = Enumerable
            .Range(0, rungs.Count - 1)
            .Select(place => $"{Options(place)} \"{SourceFile.Address(output(place))}\" ");
        return FFMpegArguments
            .FromFileInput(
                SourceFile.Address(source),
                verifyExists: false,
                input => input.Part(info, excerpt, rate, segmentSeconds, threads)
            )
            .OutputToFile(
                SourceFile.Address(output(rungs.Count - 1)),
                overwrite: true,
                options =>
                    options.WithCustomArgument(
                        $"-filter_complex \"{Graph(info, excerpt, rate, segmentSeconds, rungs)}\" "
                            + string.Concat(others)
                            + Options(rungs.Count - 1)
                    )
            );
    }

    private static string Graph(
        SourceInfo info,
        Excerpt excerpt,
        FrameRate rate,
        double segmentSeconds,
        IReadOnlyList<Rung> rungs
    )
    {
        var copies = string.Concat(rungs.Select((_, i) => $"[a{i}]"));
        var sized = rungs.Select(
            (rung, i) => $";[a{i}]{QualityRecipes.Sized(info, excerpt, rung.Width, rung.Height)}[v{i}]"
        );
        var timed = QualityRecipes.Timed(info, excerpt, rate, segmentSeconds);
        return $"[{QualityRecipes.Stream(info)}]{timed},split={rungs.Count}{copies}{string.Concat(sized)}";
    }
}
