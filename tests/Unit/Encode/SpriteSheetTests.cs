using EventStream.Contracts;
using EventStream.Encode.Ffmpeg;

namespace EventStream.Unit.Tests.Encode;

public class SpriteSheetTests
{
    [Theory]
    [InlineData(0.5, 1, 1, 1)]
    [InlineData(4, 4, 4, 1)]
    [InlineData(30, 30, 10, 3)]
    [InlineData(99.5, 100, 10, 10)]
    [InlineData(100.5, 51, 10, 6)]
    [InlineData(36000, 100, 10, 10)]
    public void A_sheet_has_at_most_a_hundred_tiles(double seconds, int tiles, int columns, int rows)
    {
        var sheet = SpriteSheet.For(new SourceInfo(seconds, 640, 360, 25, "h264", null, 0, 1));
        Assert.Equal((tiles, columns, rows), (sheet.Tiles, sheet.Columns, sheet.Rows));
    }

    [Fact]
    public void The_index_names_the_place_of_every_tile()
    {
        var sheet = new SpriteSheet(1800, 3, 2, 2, 160, 90, false);
        Assert.Equal(
            """
            WEBVTT

            00:00:00.000 --> 00:30:00.000
            s.jpg#xywh=0,0,160,90

            00:30:00.000 --> 01:00:00.000
            s.jpg#xywh=160,0,160,90

            01:00:00.000 --> 01:29:59.500
            s.jpg#xywh=0,90,160,90

            """.ReplaceLineEndings("\n"),
            sheet.Index("s.jpg", 5399.5)
        );
    }
}
