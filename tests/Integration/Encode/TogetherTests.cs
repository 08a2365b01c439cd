using EventStream.Contracts;
using EventStream.Encode;
using EventStream.Encode.Ladder;
using EventStream.Encode.Packaging;

namespace EventStream.Integration.Tests.Encode;

/// <summary>Several rungs and the sound in one task, really encoded, beside each of them alone.</summary>
public sealed class TogetherTests : IDisposable
{
    private readonly EncodeRig rig = new();

    public void Dispose() => rig.Dispose();

    [Fact]
    public async Task Tracks_of_one_task_are_byte_for_byte_what_they_are_alone()
    {
        var key = rig.Clip(
            "film.mp4",
            "-f lavfi -i testsrc2=size=854x480:rate=30000/1001:duration=4.5 -f lavfi -i sine=duration=4.2 "
                + "-c:v libx264 -preset ultrafast -c:a aac"
        );
        var source = await rig.ReadAsync(key);
        var ladder = new StandardLadder().Choose(source);
        var id = VideoId.New(TimeProvider.System.GetUtcNow());
        var together = Assert.IsType<RenditionEncoded>(
            await rig.DoAsync(
                new EncodeRung(
                    id,
                    key,
                    source,
                    ladder[0],
                    2,
                    EncodeTasks.OutputPrefix(id, ladder[0].Name),
                    default,
                    Also: [.. ladder.Skip(1)],
                    AudioBitrateBps: 128_000,
                    Task: EncodeRung.Together
                )
            )
        );
        Assert.Equal(["240p", "360p", "480p", "audio"], together.All().Select(rendition => rendition.Name));
        Assert.Equal(EncodeRung.Together, together.TaskName());

        var other = VideoId.New(TimeProvider.System.GetUtcNow());
        var prefix = EncodeTasks.OutputPrefix(other, EncodeTasks.Audio);
        List<Rendition> alone = [];
        foreach (var rung in ladder)
            alone.Add(await rig.EncodeAsync(key, source, rung));
        var sound = await rig.DoAsync(new EncodeAudio(other, key, source, 128_000, 2, prefix, default));
        alone.Add(((RenditionEncoded)sound).Rendition);
        foreach (var (one, single) in together.All().Zip(alone))
        {
            Assert.Equivalent(single, one with { Prefix = single.Prefix });
            Assert.Equal(Files(single), Files(one));
        }
    }

    /// <summary>
    /// Names and contents of the files of a rendition, without the initialization segment, in which the packager writes
    /// the time.
    /// </summary>
    private List<(string Name, string Content)> Files(Rendition rendition) =>
        [
            .. Directory
                .GetFiles(rig.PathOf(rendition.Prefix))
                .Where(file => Path.GetFileName(file) != MediaPlaylist.InitName)
                .Order(StringComparer.Ordinal)
                .Select(file => (Path.GetFileName(file), Convert.ToHexString(File.ReadAllBytes(file)))),
        ];
}
