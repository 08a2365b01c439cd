using EventStream.Encode.Ffmpeg;

namespace EventStream.Tests.Encode;

public class FfmpegProgressTests
{
    [Fact]
    public void A_report_is_whole_at_its_progress_line()
    {
        Assert.Equal(
            [new FfmpegProgress(2.275556, 14.9, false), new FfmpegProgress(4.404433, 2290, true)],
            Read("frame=61", "out_time_us=2275556", "speed=14.9x", "progress=continue",
                "frame=135", "out_time_us=4404433", "speed=2.29e+03x", "progress=end"));
    }

    [Fact]
    public void What_is_not_known_yet_is_zero()
    {
        Assert.Equal(
            [new FfmpegProgress(0, 0, false)],
            Read("out_time_us=-9223372036854775807", "speed=N/A", "nonsense", "", "progress=continue"));
    }

    [Fact]
    public void Time_never_goes_back()
    {
        Assert.Equal(
            [1.0, 1.0],
            Read("out_time_us=1000000", "progress=continue", "out_time_us=N/A", "progress=end").Select(r =>
                r.OutSeconds));
    }

    private static List<FfmpegProgress> Read(params string[] lines)
    {
        var reader = new FfmpegProgressReader();
        return lines.Select(reader.Take).OfType<FfmpegProgress>().ToList();
    }
}
