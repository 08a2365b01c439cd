using EventStream.Contracts;
using EventStream.Encode.Ffmpeg;
using EventStream.Encode.Quality;

namespace EventStream.Unit.Tests.Encode;

/// <summary>Which parts of a video are compared with its source, and what is read of the comparison.</summary>
public sealed class QualityTests
{
    private static readonly SourceInfo Source = new(30, 1280, 720, 25, "h264", null, 0, 1, StartSeconds: 1.5);

    [Fact]
    public void A_short_video_is_compared_whole() =>
        Assert.Equal(
            [new Excerpt(0, 4, 190)],
            Excerpt.Of(Source with { DurationSeconds = 7.6 }, segmentSeconds: 2, gopsMax: 12, run: 2)
        );

    [Theory]
    [InlineData(26)]
    [InlineData(7200)]
    public void A_long_video_is_compared_in_even_excerpts_of_bounded_length(double seconds)
    {
        var excerpts = Excerpt.Of(Source with { DurationSeconds = seconds }, 2, gopsMax: 12, run: 2);
        Assert.Equal(6, excerpts.Count);
        Assert.All(excerpts, excerpt => Assert.Equal((2, 100), (excerpt.Gops, excerpt.Frames)));
        var gaps = excerpts.Zip(excerpts.Skip(1), (one, next) => next.FirstGop - one.FirstGop).ToList();
        Assert.True(gaps.Min() >= 2 && gaps.Max() - gaps.Min() <= 1, "they do not overlap and lie evenly");
        Assert.InRange(excerpts[^1].StartSeconds(FrameRate.FromHz(25), 2), seconds * 0.75, seconds - 4);
    }

    [Fact]
    public void A_source_is_opened_some_GOPs_and_half_a_frame_before_an_excerpt()
    {
        var recipe = QualityRecipes.Compare("/s.mkv", Source, new Excerpt(9, 2, 100), 2, ["/a.mp4"], threads: 1);
        Assert.Contains("-ss 7.48 -t 18.5 ", recipe.Arguments, StringComparison.Ordinal);
        Assert.Contains(
            "[0:V:0]setpts=PTS-0.02/TB,fps=25/1:start_time=0,trim=start_frame=300,setpts=PTS-STARTPTS,scale=",
            recipe.Arguments,
            StringComparison.Ordinal
        );
        var first = QualityRecipes.Compare("/s.mkv", Source, new Excerpt(0, 2, 100), 2, ["/a.mp4"], threads: 1);
        Assert.Contains("-itsoffset -1.5 ", first.Arguments, StringComparison.Ordinal);
        Assert.Contains("[0:V:0]fps=25/1:start_time=0", first.Arguments, StringComparison.Ordinal);
    }

    [Fact]
    public void Means_are_of_frames_and_of_errors()
    {
        var sum = QualitySum.Read(
            ["n:1 Y:0.97 U:0.99 V:0.99 All:0.98 (16.99)", "n:2 Y:0.93 U:0.95 V:0.95 All:0.94 (12.2)"],
            ["n:1 mse_avg:4.00 mse_y:5.0 psnr_avg:42.11 ", "n:2 mse_avg:8.00 mse_y:9.0 psnr_avg:39.1 ", ""]
        );
        Assert.Equal((2, 0.96), (sum.Frames, Math.Round(sum.MeanSsim, 6)));
        Assert.Equal(10 * Math.Log10(255 * 255 / 6.0), sum.PsnrDb, 6);
        Assert.Equal(40.349, Math.Round(sum.PsnrDb, 3));
        Assert.Equal(sum.MeanSsim, (sum + sum).MeanSsim, 9);
        Assert.Equal(100, QualitySum.Read(["All:1.0"], ["mse_avg:0.00"]).PsnrDb);
    }
}
