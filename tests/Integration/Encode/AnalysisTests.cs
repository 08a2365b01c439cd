using EventStream.Contracts;
using EventStream.Encode;
using EventStream.Encode.Ladder;

namespace EventStream.Integration.Tests.Encode;

/// <summary>Samples of real sources, and the ladders that follow from them, by the real tools.</summary>
public sealed class AnalysisTests : IDisposable
{
    private static readonly PerTitleLadder Policy = new();
    private readonly EncodeRig rig = new();

    public void Dispose() => rig.Dispose();

    [Fact]
    public async Task A_still_title_takes_few_bits_and_a_noisy_one_what_the_standard_ladder_allows()
    {
        const string codec = "-c:v libx264 -preset ultrafast -crf 12";
        var still = await LadderAsync($"-f lavfi -i color=navy:s=854x480:r=25:d=4,drawgrid=w=61:h=47:c=white {codec}");
        var noisy = await LadderAsync($"-f lavfi -i color=gray:s=854x480:r=25:d=4,noise=alls=60:allf=t {codec}");
        Assert.Equal("360p", StandardLadder.First(still).Name);
        var (low, high) = (still[^1], noisy[^1]);
        Assert.Equal((854, 480), (low.Width, low.Height));
        Assert.True(low.VideoBitrateBps < 400_000, $"{low.VideoBitrateBps} bits for a still grid");
        Assert.True(high.VideoBitrateBps >= 1_000_000, $"{high.VideoBitrateBps} bits for noise");
    }

    [Fact]
    public async Task Samples_are_what_the_rung_takes_and_gives()
    {
        var key = rig.Clip("film.mp4", "-f lavfi -i testsrc2=size=854x480:rate=25:duration=6 -c:v libx264 -crf 12");
        var source = await rig.ReadAsync(key);
        var id = VideoId.New(TimeProvider.System.GetUtcNow());
        var ladder = Policy.Choose(source);
        LadderSample[] asked = [new("480p", 30)];
        var analysed = (SourceAnalysed)await rig.DoAsync(new AnalyseSource(id, key, source, ladder, asked, 2, default));
        var sample = Assert.Single(analysed.Samples);

        var rung = ladder.Single(rung => rung.Name == "480p") with { Crf = 30, VideoBitrateBps = 8_000_000 };
        var prefix = EncodeTasks.OutputPrefix(id, rung.Name);
        var made = (RenditionEncoded)await rig.DoAsync(new EncodeRung(id, key, source, rung, 2, prefix, default));
        var measured = (QualityMeasured)await rig.DoAsync(new MeasureQuality(id, key, source, [rung], 2, default));
        // The test picture changes little over time: two seconds of it stand for all.
        Assert.InRange(sample.BitsPerSecond / (double)made.Rendition.AverageBandwidthBps, 0.8, 1.2);
        Assert.InRange(sample.Ssim - measured.Qualities[0].Ssim, -0.005, 0.005);
    }

    private async Task<IReadOnlyList<Rung>> LadderAsync(string arguments)
    {
        var key = rig.Clip($"{Guid.NewGuid():N}.mp4", arguments);
        var source = await rig.ReadAsync(key);
        var id = VideoId.New(TimeProvider.System.GetUtcNow());
        var ladder = Policy.Choose(source);
        var command = new AnalyseSource(id, key, source, ladder, Policy.Samples(ladder), 2, default);
        return Policy.Place(ladder, ((SourceAnalysed)await rig.DoAsync(command)).Samples);
    }
}
