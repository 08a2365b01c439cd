using System.Globalization;
using EventStream.Contracts;
using EventStream.Encode.Ffmpeg;
using EventStream.Processes;

namespace EventStream.Encode.Quality;

/// <summary>
/// What was compared of one picture: sums over frames, from which the means follow.
/// </summary>
public readonly record struct QualitySum(int Frames, double Ssim, double SquaredError)
{
    /// <summary>Where nothing differs, PSNR has no end; this stands for it, in dB.</summary>
    public const double PsnrMax = 100;

    /// <summary>Mean SSIM of all planes, 0..1.</summary>
    public double MeanSsim => Frames == 0 ? 0 : Ssim / Frames;

    /// <summary>PSNR of the mean error of all planes, in dB.</summary>
    public double PsnrDb =>
        Frames == 0 ? 0
        : SquaredError <= 0 ? PsnrMax
        : Math.Min(PsnrMax, 10 * Math.Log10(255 * 255 / (SquaredError / Frames)));

    public static QualitySum operator +(QualitySum one, QualitySum other) =>
        new(one.Frames + other.Frames, one.Ssim + other.Ssim, one.SquaredError + other.SquaredError);

    /// <summary>
    /// Reads ffmpeg's lines of SSIM and PSNR, such as <c>n:1 ... All:0.98 (17.8)</c> and <c>n:1 mse_avg:5.36 ...</c>.
    /// </summary>
    public static QualitySum Read(IEnumerable<string> ssim, IEnumerable<string> psnr)
    {
        var likeness = ssim.Select(line => Value(line, "All:")).OfType<double>().ToList();
        var errors = psnr.Select(line => Value(line, "mse_avg:")).OfType<double>().ToList();
        var frames = Math.Min(likeness.Count, errors.Count);
        return new QualitySum(frames, likeness.Take(frames).Sum(), errors.Take(frames).Sum());
    }

    private static double? Value(string line, string name)
    {
        var word = line.Split(' ').FirstOrDefault(word => word.StartsWith(name, StringComparison.Ordinal));
        return double.TryParse(word?[name.Length..], CultureInfo.InvariantCulture, out var value) ? value : null;
    }
}

/// <summary>Compares encoded pictures with their source by ffmpeg's SSIM and PSNR.</summary>
public sealed class QualityMeter(FfmpegRunner ffmpeg, int threads)
{
    /// <summary>
    /// Compares files that hold exactly the frames of an excerpt; results in their order. Writes below
    /// <paramref name="folder"/>. Throws <see cref="ProgramFailedException"/> or <see cref="IOException"/>.
    /// </summary>
    public async Task<IReadOnlyList<QualitySum>> CompareAsync(
        string source,
        SourceInfo info,
        Excerpt excerpt,
        double segmentSeconds,
        IReadOnlyList<string> pictures,
        string folder,
        Action<FfmpegProgress> onProgress,
        CancellationToken cancellation
    )
    {
        var recipe = QualityRecipes.Compare(source, info, excerpt, segmentSeconds, pictures, threads);
        await ffmpeg.RunAsync(recipe, onProgress, cancellation, folder: folder);
        var sums = new List<QualitySum>();
        for (var i = 0; i < pictures.Count; i++)
        {
            sums.Add(
                QualitySum.Read(
                    await File.ReadAllLinesAsync(Path.Combine(folder, QualityRecipes.SsimLog(i)), cancellation),
                    await File.ReadAllLinesAsync(Path.Combine(folder, QualityRecipes.PsnrLog(i)), cancellation)
                )
            );
        }

        return sums;
    }
}
