using EventStream.Encode.Ffmpeg;

namespace EventStream.Unit.Tests.Encode;

public class AudioMixTests
{
    [Theory]
    [InlineData(1, "mono")]
    [InlineData(2, "stereo")]
    [InlineData(6, "5.1(side)")]
    [InlineData(8, "7.1")]
    [InlineData(1, null)]
    [InlineData(2, null)]
    [InlineData(6, null)]
    [InlineData(8, null)]
    public void What_the_resampler_folds_is_left_to_it(int channels, string? layout) =>
        Assert.Null(AudioMix.Pan(channels, layout));

    [Theory]
    [InlineData(10, null, "stereo|c0<c0+c2+c4+c6+c8|c1<c1+c3+c5+c7+c9")]
    [InlineData(10, "10 channels", "stereo|c0<c0+c2+c4+c6+c8|c1<c1+c3+c5+c7+c9")]
    [InlineData(9, null, "stereo|c0<c0+c2+c4+c6+c8|c1<c1+c3+c5+c7")]
    public void Channels_without_a_place_are_pairs_of_left_and_right(int channels, string? layout, string pan) =>
        Assert.Equal(pan, AudioMix.Pan(channels, layout));

    [Fact]
    public void Sixteen_channels_without_a_layout_are_eight_pairs() =>
        Assert.Equal("stereo|c0<c0+c2+c4+c6+c8+c10+c12+c14|c1<c1+c3+c5+c7+c9+c11+c13+c15", AudioMix.Pan(16, null));

    [Theory]
    [InlineData(1, "1 channels (FR)", "stereo|c0<c0|c1<c0")]
    [InlineData(1, "FL", "stereo|c0<c0|c1<c0")]
    [InlineData(2, "2 channels (FC+FC)", "stereo|c0<c0|c1<c1")]
    [InlineData(2, "2 channels", "stereo|c0<c0|c1<c1")]
    public void Mono_and_two_channels_in_an_odd_layout_are_heard_on_both_sides(
        int channels,
        string layout,
        string pan
    ) => Assert.Equal(pan, AudioMix.Pan(channels, layout));

    [Fact]
    public void Named_places_go_to_their_side_and_the_middle_to_both() =>
        Assert.Equal(
            "stereo|c0<c0+0.707*c2+c4+c6|c1<c1+0.707*c2+c5+c7",
            AudioMix.Pan(8, "8 channels (FL+FR+FC+LFE+BL+BR+TFL+TFR)")
        );

    [Fact]
    public void A_hexadecagon_has_its_sixteen_places() =>
        Assert.Equal(
            "stereo|c0<c0+0.707*c2+c3+0.707*c5+c6+c8+0.707*c9+c11+0.707*c12+c14"
                + "|c1<c1+0.707*c2+c4+0.707*c5+c7+0.707*c9+c10+0.707*c12+c13+c15",
            AudioMix.Pan(16, "hexadecagonal")
        );

    [Theory]
    [InlineData(4, "ambisonic 1", "stereo|c0=0.5*c0+0.5*c1|c1=0.5*c0-0.5*c1")]
    [InlineData(16, "ambisonic 3", "stereo|c0=0.5*c0+0.5*c1|c1=0.5*c0-0.5*c1")]
    [InlineData(6, "ambisonic 1+stereo", "stereo|c0=0.25*c0+0.25*c1+0.5*c4|c1=0.25*c0-0.25*c1+0.5*c5")]
    public void Ambisonics_are_taken_by_two_microphones_that_look_left_and_right(
        int channels,
        string layout,
        string pan
    ) => Assert.Equal(pan, AudioMix.Pan(channels, layout));

    [Theory]
    [InlineData(0)]
    [InlineData(65)]
    public void Numbers_that_the_filter_does_not_take_are_left_to_the_resampler(int channels) =>
        Assert.Null(AudioMix.Pan(channels, null));
}
