using EventStream.Encode.Ffmpeg;

namespace EventStream.Unit.Tests.Encode;

public class FrameRateTests
{
    [Theory]
    [InlineData(24, 24, "24/1")]
    [InlineData(30000.0 / 1001, 30000.0 / 1001, "30000/1001")]
    [InlineData(24000.0 / 1001, 2997.0 / 125, "24000/1001")]
    [InlineData(10, 10, "10/1")]
    [InlineData(120, 120, "60/1")]
    [InlineData(120000.0 / 1001, 120000.0 / 1001, "60000/1001")]
    [InlineData(90, 90, "45/1")]
    public void A_steady_source_keeps_its_rate_up_to_60(double nominal, double average, string expected) =>
        Assert.Equal(expected, FrameRate.Choose(nominal, average).ToString());

    [Theory]
    [InlineData(30, 2871.0 / 100, "30000/1001")]
    [InlineData(90000, 7499.0 / 250, "30/1")]
    [InlineData(30, 123.0 / 10, "12/1")]
    [InlineData(60, 1186.0 / 25, "48/1")]
    public void A_varying_source_gets_the_standard_rate_next_to_its_average(
        double nominal,
        double average,
        string expected
    ) => Assert.Equal(expected, FrameRate.Choose(nominal, average).ToString());

    [Theory]
    [InlineData(90000, double.NaN)]
    [InlineData(double.NaN, double.NaN)]
    [InlineData(double.NaN, 0)]
    public void A_source_that_states_no_rate_gets_30(double nominal, double average) =>
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
