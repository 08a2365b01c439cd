using EventStream.Contracts;
using EventStream.Encode;
using EventStream.Encode.Ladder;
using EventStream.Encode.Quality;

namespace EventStream.Integration.Tests.Encode;

/// <summary>Stored renditions are compared with their source, frame by frame, by the real tools.</summary>
public sealed class QualityTests : IDisposable
{
    private readonly EncodeRig rig = new();

    public void Dispose() => rig.Dispose();

    [Theory]
    // The clock of the second begins late, and its rate is no whole number.
    [InlineData("film.mp4", "25", "-c:v libx264 -preset ultrafast -crf 10 -g 250")]
    [InlineData("film.ts", "30000/1001", "-c:v libx264 -preset ultrafast -crf 10 -output_ts_offset 7")]
    public async Task More_bits_are_measured_as_more_likeness_in_every_excerpt(string name, string rate, string codec)
    {
        // Every frame differs from its neighbours, so that a comparison that is one frame off shows.
        var key = rig.Clip(name, $"-f lavfi -i testsrc2=size=320x240:rate={rate}:duration=32 {codec}");
        var source = await rig.ReadAsync(key);
        var id = VideoId.New(TimeProvider.System.GetUtcNow());
        Rung[] rungs = [new("low", 160, 120, 60_000), new("even", 320, 240, 150_000), new("high", 320, 240, 900_000)];
        foreach (var rung in rungs)
        {
            var prefix = EncodeTasks.OutputPrefix(id, rung.Name);
            await rig.DoAsync(new EncodeRung(id, key, source, rung, 2, prefix, default));
        }

        var measured = (QualityMeasured)await rig.DoAsync(new MeasureQuality(id, key, source, rungs, 2, default));
        Assert.Equal(rungs.Select(rung => rung.Name), measured.Qualities.Select(quality => quality.Name));
        Assert.True(measured.Qualities[0].Ssim < measured.Qualities[1].Ssim);
        Assert.True(measured.Qualities[1].Ssim < measured.Qualities[2].Ssim);
        Assert.InRange(measured.Qualities[2].Ssim, 0.98, 1);
        Assert.InRange(measured.Qualities[2].PsnrDb, 33, 60);
        Assert.All(measured.Qualities, quality => Assert.InRange(quality.MeasuredSeconds, 23.9, 24.1));
        Assert.All(measured.Qualities, quality => Assert.InRange(quality.Frames, 115, 145));
    }

    [Fact]
    public async Task A_short_end_is_compared_too()
    {
        var key = rig.Clip("film.mp4", "-f lavfi -i testsrc2=size=320x240:rate=25:duration=4.24 -c:v libx264 -crf 8");
        var source = await rig.ReadAsync(key);
        var id = VideoId.New(TimeProvider.System.GetUtcNow());
        var rungs = new StandardLadder().Choose(source);
        var prefix = EncodeTasks.OutputPrefix(id, rungs[0].Name);
        await rig.DoAsync(new EncodeRung(id, key, source, rungs[0], 2, prefix, default));
        var measured = (QualityMeasured)await rig.DoAsync(new MeasureQuality(id, key, source, rungs, 2, default));
        var quality = Assert.Single(measured.Qualities);
        Assert.Equal((4.24, 22), (quality.MeasuredSeconds, quality.Frames));
        Assert.True(quality.Ssim > 0.95);

        // More than are compared in one reading of the source.
        var many = Enumerable.Repeat(rungs[0], QualityWork.RungsAtOnceMax + 1).ToList();
        measured = (QualityMeasured)await rig.DoAsync(new MeasureQuality(id, key, source, many, 2, default));
        Assert.Equal(Enumerable.Repeat(quality, many.Count), measured.Qualities);
    }
}
