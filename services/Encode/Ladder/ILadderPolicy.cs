using EventStream.Contracts;

namespace EventStream.Encode.Ladder;

/// <summary>Chooses the rungs of a video from what its source is; picked by <c>Encode:Ladder</c>.</summary>
public interface ILadderPolicy
{
    /// <summary>The name in the configuration.</summary>
    string Name { get; }

    /// <summary>The rungs from the lowest to the highest, at least one and none above the source.</summary>
    IReadOnlyList<Rung> Choose(SourceInfo source);

    /// <summary>
    /// What is to be measured of a source before the rungs but the first are made; none where they are chosen already.
    /// </summary>
    IReadOnlyList<LadderSample> Samples(IReadOnlyList<Rung> ladder) => [];

    /// <summary>The ladder that follows from samples; its first rung is that of <paramref name="ladder"/>.</summary>
    IReadOnlyList<Rung> Place(IReadOnlyList<Rung> ladder, IReadOnlyList<LadderSample> samples) => ladder;
}

/// <summary>The policies that can be named.</summary>
public static class LadderPolicies
{
    public static readonly IReadOnlyList<ILadderPolicy> All =
    [
        new StandardLadder(),
        new ShortLadder(),
        new PerTitleLadder(),
    ];

    /// <summary>Their names, with commas between.</summary>
    public static string Names => string.Join(", ", All.Select(policy => policy.Name));

    /// <summary>The policy of a name, or null.</summary>
    public static ILadderPolicy? Find(string name) => All.FirstOrDefault(policy => policy.Name == name);
}
