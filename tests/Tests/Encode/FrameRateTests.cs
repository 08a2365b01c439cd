using EventStream.Encode.Ffmpeg;

namespace EventStream.Tests.Encode;

public class FrameRateTests
{
    [Theory]
    [InlineData("24/1", "24/1", "24/1")]
    [InlineData("30000/1001", "30000/1001", "30000/1001")]
    [InlineData("24000/1001", "2997/125", "24000/1001")]
    [InlineData("10/1", "10/1", "10/1")]
    [InlineData("120/1", "120/1", "60/1")]
    [InlineData("120000/1001", "120000/1001", "60000/1001")]
    [InlineData("90/1", "90/1", "45/1")]
    public void A_steady_source_keeps_its_rate_up_to_60(string nominal, string average, string expected) =>
        Assert.Equal(expected, FrameRate.Choose(nominal, average).ToString());

    [Theory]
    [InlineData("30/1", "2871/100", "30000/1001")]
    [InlineData("90000/1", "7499/250", "30/1")]
    [InlineData("30/1", "123/10", "12/1")]
    [InlineData("60/1", "1186/25", "48/1")]
    public void A_varying_source_gets_the_standard_rate_next_to_its_average(string nominal, string average,
        string expected) =>
        Assert.Equal(expected, FrameRate.Choose(nominal, average).ToString());

    [Theory]
    [InlineData("90000/1", "0/0")]
    [InlineData(null, null)]
    [InlineData("0/0", "x")]
    public void A_source_that_tells_no_rate_gets_30(string? nominal, string? average) =>
        Assert.Equal(FrameRate.Default, FrameRate.Choose(nominal, average));

    [Theory]
    [InlineData(24, 1)]
    [InlineData(30000, 1001)]
    [InlineData(60000, 1001)]
    [InlineData(25, 1)]
    [InlineData(12, 1)]
    public void A_rate_survives_the_way_through_a_decimal(int numerator, int denominator)
    {
        var rate = new FrameRate(numerator, denominator);
        Assert.Equal(rate, FrameRate.FromHz(rate.Hz));
    }

    [Theory]
    [InlineData(24, 1, 48)]
    [InlineData(30000, 1001, 60)]
    [InlineData(25, 1, 50)]
    [InlineData(1, 5, 1)]
    public void A_GOP_has_whole_frames_and_at_least_one(int numerator, int denominator, int frames) =>
        Assert.Equal(frames, new FrameRate(numerator, denominator).FramesPerGop(2));
}
