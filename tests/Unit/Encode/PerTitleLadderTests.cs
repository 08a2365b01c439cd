using EventStream.Contracts;
using EventStream.Encode.Ladder;

namespace EventStream.Unit.Tests.Encode;

/// <summary>Where samples of a title place its rungs.</summary>
public sealed class PerTitleLadderTests
{
    private static readonly PerTitleLadder Policy = new();
    private static readonly SourceInfo Film = new(30, 1920, 1080, 24, "h264", "aac", 2, 1);
    private static readonly IReadOnlyList<Rung> Chosen = Policy.Choose(Film);

    [Fact]
    public void The_first_rung_and_those_below_are_of_constant_quality_at_once() =>
        Assert.Equal(
            [("240p", 26), ("360p", 23), ("480p", null), ("720p", null), ("1080p", null)],
            Chosen.Select(rung => (rung.Name, rung.Crf))
        );

    [Fact]
    public void Only_rungs_above_the_first_are_sampled_and_the_first_once()
    {
        Assert.Equal(
            [("360p", 23), ("480p", 24), ("480p", 34), ("720p", 24), ("720p", 34), ("1080p", 24), ("1080p", 34)],
            Policy.Samples(Chosen).Select(sample => (sample.Rung, sample.Crf))
        );
        Assert.Empty(Policy.Samples(Policy.Choose(Film with { Width = 640, Height = 360 })));
        Assert.Empty(((ILadderPolicy)new StandardLadder()).Samples(Chosen));
    }

    [Fact]
    public void Each_rung_is_at_the_size_that_looks_best_at_its_bits()
    {
        // Measured of a meadow of Big Buck Bunny.
        var ladder = Place(
            (378, 0.9365),
            (494, 131, 0.9511, 0.9036),
            (1003, 270, 0.9706, 0.9305),
            (2931, 721, 0.9854, 0.9541)
        );
        Assert.Equal(["240p", "360p", "720p", "1080p-2", "1080p"], ladder.Select(rung => rung.Name));
        Assert.All(ladder, rung => Assert.NotNull(rung.Crf));
        Assert.True(ladder[^1].VideoBitrateBps <= 5_000_000, "no rung takes more than the standard ladder allows");
    }

    [Fact]
    public void A_title_that_looks_best_at_full_size_has_no_smaller_rung_for_nothing()
    {
        // A camera that stands still: at any bits the full size looks best.
        var ladder = Place((150, 0.95), (200, 60, 0.95, 0.90), (300, 90, 0.97, 0.94), (420, 120, 0.99, 0.975));
        Assert.Equal(["240p", "360p", "1080p-2", "1080p"], ladder.Select(rung => rung.Name));
        Assert.True(ladder[2].Crf > ladder[3].Crf + 3, "the second takes half of the bits");
        Assert.Equal((1920, 1080), (ladder[2].Width, ladder[2].Height));
    }

    [Fact]
    public void The_best_rung_stays_however_few_bits_it_takes()
    {
        var ladder = Place((90, 0.90), (60, 30, 0.95, 0.92), (70, 35, 0.97, 0.95), (80, 40, 0.999, 0.99));
        Assert.Equal(["240p", "360p", "1080p"], ladder.Select(rung => rung.Name));
    }

    [Fact]
    public void Noise_that_takes_more_than_there_is_at_any_quality_keeps_the_planned_bitrates()
    {
        var ladder = Place((4000, 0.8), (20000, 12000, 0.8, 0.7), (50000, 25000, 0.9, 0.8), (90000, 50000, 0.9, 0.8));
        Assert.Equal(Chosen, ladder);
        Assert.Equal(Chosen, Policy.Place(Chosen, []));
    }

    [Theory]
    [InlineData(1920, 1080, 24)]
    [InlineData(1280, 720, 50)]
    [InlineData(608, 1080, 30)]
    [InlineData(854, 480, 25)]
    public void Rungs_rise_in_bits_have_names_of_their_own_and_stay_within_the_source(int width, int height, double hz)
    {
        var chosen = Policy.Choose(Film with { Width = width, Height = height, FramesPerSecond = hz });
        var samples = Policy
            .Samples(chosen)
            .Select(
                (sample, i) =>
                    sample with
                    {
                        BitsPerSecond = (int)(60_000 * (i + 1) * (sample.Crf > 30 ? 1 : 4)),
                        Ssim = 0.9 + (0.01 * i) - (sample.Crf > 30 ? 0.03 : 0),
                    }
            )
            .ToList();
        var ladder = Policy.Place(chosen, samples);
        Assert.InRange(ladder.Count, 2, chosen.Count);
        Assert.Equal(ladder.Count, ladder.Select(rung => rung.Name).Distinct().Count());
        Assert.All(ladder, rung => Assert.True(rung.Width <= width && rung.Height <= height));
        Assert.Equal(StandardLadder.First(chosen), StandardLadder.First(ladder));
        Assert.All(ladder, rung => Assert.InRange(rung.VideoBitrateBps, 1000, chosen[^1].VideoBitrateBps));
    }

    /// <summary>The ladder of samples in kbit/s and SSIM: of the first, and of each above at both qualities.</summary>
    private static IReadOnlyList<Rung> Place((int, double) first, params (int, int, double, double)[] above)
    {
        List<LadderSample> samples = [new("360p", PerTitleLadder.FirstCrf, first.Item1 * 1000, first.Item2)];
        foreach (var (name, of) in new[] { "480p", "720p", "1080p" }.Zip(above))
        {
            samples.Add(new(name, 24, of.Item1 * 1000, of.Item3));
            samples.Add(new(name, 34, of.Item2 * 1000, of.Item4));
        }

        return Policy.Place(Chosen, samples);
    }
}
