namespace EventStream.Qoe.Load;

/// <summary>
/// What one partition saw of a resource in one step of the load series, which begins at <paramref name="Step"/>. Of
/// viewers <paramref name="Levels"/> is how many watched at evenly spaced instants of the step; null: nobody did. A
/// partition reports the viewers of every step, after everything else of the step; only that part carries
/// <paramref name="Partitions"/>, the number of partitions that have to report the step.
/// </summary>
public sealed record LoadPart(
    string Resource,
    DateTimeOffset Step,
    double Value,
    string Unit,
    IReadOnlyList<int>? Levels = null,
    int Partition = 0,
    int Partitions = 0
)
{
    /// <summary>The resource that counts sessions watching.</summary>
    public const string Viewers = "viewers";

    /// <summary>The sum of two parts; the step and resource are those of the other.</summary>
    public LoadPart Plus(LoadPart? before) =>
        before is null
            ? this
            : this with
            {
                Value = Value + before.Value,
                Levels =
                    Levels is null ? before.Levels
                    : before.Levels is null ? Levels
                    : [.. Levels.Zip(before.Levels, (a, b) => a + b)],
            };
}

/// <summary>
/// A resource whose every step is reported, its unit, the last step reported and the last with any load.
/// </summary>
public sealed record KnownLoad(string Unit, DateTimeOffset LastStep, DateTimeOffset LastUsed);

/// <summary>Until which step a partition has reported its load.</summary>
public sealed record LoadProgress(DateTimeOffset LastStep);
