using EventStream.Contracts;

namespace EventStream.Encode.Ladder;

/// <summary>Three rungs only, for previews and small machines: 240p, 480p and 1080p.</summary>
public sealed class ShortLadder : ILadderPolicy
{
    private static readonly (int ShortSide, int BitsPerSecond)[] Steps =
    [
        (240, 400_000),
        (480, 1_400_000),
        (1080, 5_000_000),
    ];

    public string Name => "short";

    public IReadOnlyList<Rung> Choose(SourceInfo source) => StandardLadder.Choose(source, Steps);
}
