using EventStream.Contracts;
using EventStream.Encode.Ffmpeg;
using FFMpegCore;

namespace EventStream.Encode.Quality;

/// <summary>
/// What ffmpeg is asked to compare; pure. Its results are files of one line a frame in its working folder, named by
/// <see cref="SsimLog"/> and <see cref="PsnrLog"/>.
/// </summary>
public static class QualityRecipes
{
    /// <summary>
    /// One frame in so many is compared: neighbours differ little, and comparing costs more than decoding. It is no
    /// multiple of a usual distance between frames of one kind.
    /// </summary>
    public const int FrameStep = 5;

    /// <summary>The file of SSIM of a picture, by its place.</summary>
    public static string SsimLog(int place) => $"ssim-{place}.log";

    /// <summary>The file of PSNR of a picture, by its place.</summary>
    public static string PsnrLog(int place) => $"psnr-{place}.log";

    /// <summary>
    /// Compares each file of <paramref name="pictures"/>, which hold the frames of <paramref name="excerpt"/>, with
    /// the source at its size: decoded once, and through the same filters as a rung of that size.
    /// </summary>
    public static FFMpegArgumentProcessor Compare(
        string source,
        SourceInfo info,
        Excerpt excerpt,
        double segmentSeconds,
        IReadOnlyList<string> pictures,
        int threads
    )
    {
        var rate = FrameRate.FromHz(info.FramesPerSecond);
        var arguments = FFMpegArguments.FromFileInput(
            SourceFile.Address(source),
            verifyExists: false,
            input => input.Part(info, excerpt, rate, segmentSeconds, threads)
        );
        foreach (var picture in pictures)
        {
            arguments.AddFileInput(
                SourceFile.Address(picture),
                verifyExists: false,
                input => input.WithThreads(threads).WithCustomArgument("-protocol_whitelist file")
            );
        }

        var maps = string.Join(' ', pictures.Select((_, i) => $"-map [o{i}]"));
        return arguments.OutputToFile(
            "/dev/null",
            overwrite: true,
            options =>
                options
                    .WithCustomArgument(
                        $"-filter_complex \"{Graph(info, excerpt, rate, segmentSeconds, pictures.Count)}\" {maps}"
                    )
                    .ForceFormat("null")
        );
    }

    /// <summary>
    /// Opens the source some GOPs before an excerpt, and half a frame more, so that no rounding of its clock loses a
    /// frame; <see cref="Timed"/> moves the times back and lets go what is before.
    /// </summary>
    public static FFMpegInputOptions Part(
        this FFMpegInputOptions input,
        SourceInfo info,
        Excerpt excerpt,
        FrameRate rate,
        double segmentSeconds,
        int threads
    )
    {
        input.WithCustomArgument("-hide_banner -loglevel error -stats_period 0.5").WithThreads(threads);
        var (start, lead) = (info.StartSeconds ?? 0, excerpt.LeadGops(rate, segmentSeconds));
        if (excerpt.FirstGop > lead)
        {
            var first = start + ((excerpt.FirstGop - lead) * rate.GopSeconds(segmentSeconds)) - (0.5 / rate.Hz);
            input.WithCustomArgument(FormattableString.Invariant($"-ss {first:0.######}"));
        }
        else if (start > 0)
        {
            input.WithCustomArgument(FormattableString.Invariant($"-itsoffset {-start:0.######}"));
        }

        // A second more holds what the last frame of a varying rate needs.
        var seconds = start + (lead * rate.GopSeconds(segmentSeconds)) + excerpt.Seconds(rate) + 1;
        input.WithCustomArgument(FormattableString.Invariant($"-t {seconds:0.######}"));
        return input.WithCustomArgument(string.Join(' ', SourceFile.Guard));
    }

    /// <summary>ffmpeg's name of the picture's stream.</summary>
    public static string Stream(SourceInfo info) => info.Picture is { Index: var index } ? $"0:{index}" : "0:V:0";

    /// <summary>The filters that make the frames of an excerpt from the source, at a constant rate.</summary>
    public static string Timed(SourceInfo info, Excerpt excerpt, FrameRate rate, double segmentSeconds)
    {
        var lead = excerpt.LeadGops(rate, segmentSeconds);
        var back =
            excerpt.FirstGop > lead ? FormattableString.Invariant($"setpts=PTS-{0.5 / rate.Hz:0.########}/TB,") : "";
        var motion = info.Picture?.Interlaced is true ? "bwdif=send_field:parity=auto:deint=interlaced," : "";
        var from = lead > 0 ? $",trim=start_frame={lead * rate.FramesPerGop(segmentSeconds)},setpts=PTS-STARTPTS" : "";
        return $"{back}{motion}fps={rate}:start_time=0{from}";
    }

    /// <summary>The filters that bring those frames to a size in pixels and to standard range.</summary>
    public static string Sized(SourceInfo info, Excerpt excerpt, int width, int height)
    {
        var range =
            info.Picture is { } picture && VideoRange.Of(picture) is not null
                ? string.Concat(PictureFilters.ToStandard(picture).Select(filter => $"{filter.Name}={filter.Value},"))
                : "";
        return $"scale={width}:{height}:flags=bicubic,setsar=1,{range}"
            + $"format=yuv420p,tpad=stop={excerpt.Frames}:stop_mode=clone,trim=end_frame={excerpt.Frames}";
    }

    private static string Graph(SourceInfo info, Excerpt excerpt, FrameRate rate, double segmentSeconds, int pictures)
    {
        var (width, height) = (info.Width / 2 * 2, info.Height / 2 * 2);
        // Frames are paired by their number: times of a source and of its copies are rounded differently.
        var number = $"settb=1/1000,setpts=N,select=not(mod(n\\,{FrameStep}))";
        var copies = string.Concat(Enumerable.Range(0, pictures).Select(i => $"[r{i}][q{i}]"));
        var compared = Enumerable
            .Range(0, pictures)
            .Select(i =>
                $";[{i + 1}:v:0]trim=end_frame={excerpt.Frames},{number},scale={width}:{height}:flags=bicubic,"
                + $"setsar=1,format=yuv420p[d{i}];[d{i}][r{i}]ssim=stats_file={SsimLog(i)}[s{i}];"
                + $"[s{i}][q{i}]psnr=stats_file={PsnrLog(i)}[o{i}]"
            );
        var reference = $"{Timed(info, excerpt, rate, segmentSeconds)},{Sized(info, excerpt, width, height)},{number}";
        return $"[{Stream(info)}]{reference},split={pictures * 2}{copies}{string.Concat(compared)}";
    }
}
