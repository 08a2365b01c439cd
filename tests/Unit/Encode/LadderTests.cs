using EventStream.Contracts;
using EventStream.Encode.Ladder;

namespace EventStream.Unit.Tests.Encode;

public class LadderTests
{
    [Theory]
    [InlineData(1920, 1080, "240p 426x240, 360p 640x360, 480p 854x480, 720p 1280x720, 1080p 1920x1080", "360p")]
    [InlineData(1080, 1920, "240p 240x426, 360p 360x640, 480p 480x854, 720p 720x1280, 1080p 1080x1920", "360p")]
    [InlineData(
        3840,
        2160,
        "240p 426x240, 360p 640x360, 480p 854x480, 720p 1280x720, 1080p 1920x1080, 1440p 2560x1440, 2160p "
            + "3840x2160",
        "360p"
    )]
    [InlineData(1280, 720, "240p 426x240, 360p 640x360, 480p 854x480, 720p 1280x720", "360p")]
    [InlineData(768, 576, "240p 320x240, 360p 480x360, 480p 640x480", "360p")]
    [InlineData(640, 359, "240p 428x240", "240p")]
    [InlineData(320, 180, "180p 320x180", "180p")]
    [InlineData(321, 181, "180p 320x180", "180p")]
    [InlineData(240, 426, "240p 240x426", "240p")]
    [InlineData(16, 16, "16p 16x16", "16p")]
    [InlineData(1920, 800, "240p 576x240, 360p 864x360, 480p 1152x480, 720p 1728x720", "360p")]
    [InlineData(1001, 241, "240p 996x240", "240p")]
    public void The_rungs_of_a_source(int width, int height, string expected, string first)
    {
        var ladder = new StandardLadder().Choose(Source(width, height));
        Assert.Equal(expected, string.Join(", ", ladder.Select(rung => $"{rung.Name} {rung.Width}x{rung.Height}")));
        Assert.Equal(first, StandardLadder.First(ladder).Name);
    }

    [Fact]
    public void No_rung_of_any_source_is_above_it_odd_or_cheaper_than_the_one_below()
    {
        var random = new Random(20261122);
        for (var i = 0; i < 2000; i++)
        {
            var source = Source(random.Next(16, 8192), random.Next(16, 8192));
            foreach (var policy in LadderPolicies.All)
            {
                var ladder = policy.Choose(source);
                Assert.NotEmpty(ladder);
                Assert.All(
                    ladder,
                    rung =>
                    {
                        Assert.True(rung.Width <= source.Width && rung.Height <= source.Height, $"{source} {rung}");
                        Assert.Equal((0, 0), (rung.Width % 2, rung.Height % 2));
                    }
                );
                Assert.Equal(ladder.OrderBy(rung => rung.VideoBitrateBps), ladder);
                Assert.Equal(ladder.Count, ladder.Select(rung => rung.Name).Distinct().Count());
            }
        }
    }

    [Fact]
    public void A_high_frame_rate_gets_half_as_many_bits_again()
    {
        var film = new StandardLadder().Choose(Source(1280, 720) with { FramesPerSecond = 24 });
        var sport = new StandardLadder().Choose(Source(1280, 720) with { FramesPerSecond = 60 });
        Assert.Equal(film.Select(rung => rung.VideoBitrateBps * 3 / 2), sport.Select(rung => rung.VideoBitrateBps));
    }

    [Fact]
    public void A_policy_is_found_by_its_name()
    {
        Assert.IsType<StandardLadder>(LadderPolicies.Find("standard"));
        Assert.IsType<ShortLadder>(LadderPolicies.Find("short"));
        Assert.Null(LadderPolicies.Find("tall"));
    }

    private static SourceInfo Source(int width, int height) => new(30, width, height, 25, "h264", "aac", 2, 1_000_000);
}
