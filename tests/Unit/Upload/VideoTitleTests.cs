using EventStream.Upload;

namespace EventStream.Unit.Tests.Upload;

public sealed class VideoTitleTests
{
    private const string Untitled = "Untitled, 2026-11-01 12:00:00";

    [Theory]
    [InlineData("Bunny", "b.mp4", "Bunny")]
    [InlineData(null, "b.mp4", "b")]
    [InlineData(null, "C:\\films\\b.mp4", "b")]
    [InlineData(" ", "films/b.mp4", "b")]
    [InlineData("\u200b", "b.mp4", "b")]
    [InlineData(null, ".mp4", Untitled)]
    [InlineData(null, "...", Untitled)]
    [InlineData("\u3164\u2800", "- _.mp4", Untitled)]
    [InlineData("a\u2028b\u0007c", "x", "a b c")]
    [InlineData("\u202egpj.exe", "x", "gpj.exe")]
    [InlineData("नमस्ते", "x", "नमस्ते")]
    [InlineData("🎬", "x", "🎬")]
    [InlineData("?!", "x", "?!")]
    public void It_shows_something_and_nothing_else(string? title, string fileName, string expected) =>
        Assert.Equal(expected, VideoTitle.Of(title, fileName, VideoSamples.Now));

    [Fact]
    public void It_is_cut_between_characters()
    {
        var title = VideoTitle.Of(null, new string('a', VideoTitle.LengthMax - 1) + "🎬.mp4", VideoSamples.Now);
        Assert.Equal(new string('a', VideoTitle.LengthMax - 1), title);
    }
}
