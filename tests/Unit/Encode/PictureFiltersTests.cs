using EventStream.Contracts;
using EventStream.Encode.Ffmpeg;

namespace EventStream.Unit.Tests.Encode;

/// <summary>The filters of a picture as ffmpeg gets them; no process is started.</summary>
public class PictureFiltersTests
{
    private static string Toned(string transfer, string primaries, string matrix) =>
        "scale=640:360:flags=bicubic, setsar=1, format=yuv420p10le, "
        + $"zscale=transferin={transfer}:primariesin={primaries}:matrixin={matrix}:transfer=linear:npl=100, "
        + "format=gbrpf32le, zscale=primaries=bt709, tonemap=hable:desat=0, "
        + "zscale=transfer=bt709:matrix=bt709:range=tv, format=yuv420p";

    [Theory]
    [InlineData("smpte2084", "bt2020", "bt2020nc", "bt2020", "bt2020nc")]
    [InlineData("arib-std-b67", "smpte432", "bt2020c", "smpte432", "bt2020c")]
    [InlineData("smpte2084", null, null, "bt2020", "bt2020nc")]
    [InlineData("smpte2084", "film", "gbr", "bt2020", "bt2020nc")]
    public void A_high_range_is_mapped_after_scaling(
        string transfer,
        string? primaries,
        string? matrix,
        string fromPrimaries,
        string fromMatrix
    ) =>
        Assert.Contains(
            Toned(transfer, fromPrimaries, fromMatrix),
            Rung(new SourcePicture(0, null, transfer, primaries, matrix)),
            StringComparison.Ordinal
        );

    [Theory]
    [InlineData(null)]
    [InlineData("bt709")]
    [InlineData("bt2020-10")]
    public void A_standard_range_stays(string? transfer) =>
        Assert.Contains(
            "-vf \"fps=fps=50/1:start_time=0, scale=640:360:flags=bicubic, setsar=1, format=yuv420p\"",
            Rung(new SourcePicture(0, null, transfer)),
            StringComparison.Ordinal
        );

    [Fact]
    public void Fields_become_frames_before_the_rate_is_made_constant() =>
        Assert.Contains(
            "-map 0:3 -an -sn -dn -map_metadata -1 -map_chapters -1 "
                + "-vf \"bwdif=send_field:parity=auto:deint=interlaced, fps=fps=50/1:start_time=0, scale=",
            Rung(new SourcePicture(3, true)),
            StringComparison.Ordinal
        );

    [Fact]
    public void Poster_and_sprite_are_of_the_same_picture_in_the_same_colours()
    {
        var picture = new SourcePicture(2, true, "smpte2084");
        var film = new SourceInfo(30, 1920, 1080, 50, "hevc", null, 0, 1, Picture: picture);
        var poster = FfmpegRecipes.Poster("/in", "/out", film, 3).Arguments;
        var sprite = FfmpegRecipes.Sprite("/in", "/out", SpriteSheet.For(film), picture: picture).Arguments;
        Assert.Contains("-vf \"bwdif=send_frame:parity=auto:deint=interlaced, ", poster, StringComparison.Ordinal);
        Assert.All(
            (string[])[poster, sprite],
            line =>
            {
                Assert.Contains("-map 0:2 ", line, StringComparison.Ordinal);
                Assert.Contains("tonemap=hable", line, StringComparison.Ordinal);
            }
        );
        Assert.Contains("range=tv, tpad=stop=30:stop_mode=clone, tile=", sprite, StringComparison.Ordinal);
    }

    private static readonly SourceSound Joined = new(1, "pcm_s16le", 2, RightIndex: 2);

    [Fact]
    public void Two_mono_streams_of_a_measured_source_are_filled_before_they_are_joined() =>
        Assert.Contains(
            "[0:1]aresample=48000:async=1:first_pts=0,apad=whole_len=96000,atrim=end_sample=96000,"
                + "aformat=channel_layouts=mono[l];[0:2]aresample=48000:async=1:first_pts=0,apad=whole_len=96000,"
                + "atrim=end_sample=96000,aformat=channel_layouts=mono[r];[l][r]amerge",
            FfmpegRecipes.Audio("/in", "/out", 64_000, new PlayedPart(0, 2), Joined).Arguments,
            StringComparison.Ordinal
        );

    [Fact]
    public void Two_mono_streams_are_joined_and_begin_at_zero() =>
        Assert.Contains(
            "-filter_complex \"[0:1]aresample=async=1:first_pts=0,aformat=channel_layouts=mono[l];"
                + "[0:2]aresample=async=1:first_pts=0,aformat=channel_layouts=mono[r];"
                + "[l][r]amerge=inputs=2,pan=stereo|c0=c0|c1=c1[a]\" -map [a] -vn ",
            FfmpegRecipes.Audio("/in", "/out", 64_000, sound: Joined).Arguments,
            StringComparison.Ordinal
        );

    [Fact]
    public void Ten_channels_are_mixed_by_our_rule() =>
        Assert.Contains(
            "-map 0:1 -vn -sn -dn -map_metadata -1 -map_chapters -1 "
                + "-af \"pan=stereo|c0<c0+c2+c4+c6+c8|c1<c1+c3+c5+c7+c9, aresample=async=1:first_pts=0\" ",
            FfmpegRecipes.Audio("/in", "/out", 64_000, sound: new SourceSound(1, "pcm_s16le", 10)).Arguments,
            StringComparison.Ordinal
        );

    [Fact]
    public void Every_text_is_written_in_one_reading_of_the_source() =>
        Assert.EndsWith(
            "-i \"file:/in\" -map 0:2 -vn -an -dn -map_metadata -1 -map_chapters -1 -c:s webvtt -fs 1000 -f webvtt "
                + "\"file:/out/0.vtt\" -map 0:5 -vn -an -dn -map_metadata -1 -map_chapters -1 -c:s webvtt -fs 1000 "
                + "-f webvtt \"file:/out/1.vtt\" -y",
            FfmpegRecipes
                .Subtitles("/in", [new(2, "subrip"), new(5, "ass")], place => $"/out/{place}.vtt", 1000)
                .Arguments,
            StringComparison.Ordinal
        );

    private static string Rung(SourcePicture picture) =>
        FfmpegRecipes
            .Rung("/in", "/out", new Rung("360p", 640, 360, 800_000), new FrameRate(50, 1), 2, "fast", 1, null, picture)
            .Arguments;
}
