using EventStream.Encode.Ffmpeg;

namespace EventStream.Unit.Tests.Encode;

public sealed class RefusalsTests
{
    [Theory]
    [InlineData(
        "[mp3 @ 0x55d0c8b0f6c0] Format not on whitelist 'mov,mp4' | file:/x/y: Invalid argument",
        "The file holds sound and no picture."
    )]
    [InlineData(
        "[png_pipe @ 0x55d0] Format not on whitelist 'mov,mp4' | file:/x/y: Invalid argument",
        "The file is a picture and no video."
    )]
    [InlineData(
        "[mov,mp4,m4a,3gp,3g2,mj2 @ 0x55d0] moov atom not found | file:/x/y: Invalid data found",
        "The file is cut short: its index, which is at its end, is missing."
    )]
    [InlineData("[hls @ 0x55d0] Format not on whitelist 'mov'", "The file is not a video that can be read.")]
    [InlineData("file:/x/y: Invalid data found when processing input", "The file is not a video that can be read.")]
    [InlineData("", "The file is not a video that can be read.")]
    public void A_file_that_cannot_be_opened_is_refused_in_our_words(string log, string reason)
    {
        var refused = Refusals.Of(log, "\0\0\0\u0018ftypmp42"u8);
        Assert.Equal(reason, refused.Reason);
        Assert.Matches("[Uu]pload", refused.Remedy);
        Assert.DoesNotContain("0x", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_only_its_name_says_to_be_an_MP4_is_not_cut_short() =>
        Assert.Equal(
            "The file is not a video that can be read.",
            Refusals.Of("[mov,mp4,m4a,3gp,3g2,mj2 @ 0x55d0] moov atom not found", "Dear viewer"u8).Reason
        );
}
