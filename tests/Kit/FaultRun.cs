using System.Globalization;

namespace EventStream.Tests.Kit;

/// <summary>
/// How long a fault run lasts and from which seed it draws. <c>make test</c> runs each for a short while from a fixed
/// seed; <c>make soak</c> sets <c>EVENTSTREAM_SOAK_SECONDS</c> and, to repeat a run, <c>EVENTSTREAM_SOAK_SEED</c>.
/// Mark such a test with <c>[Trait("Category", "Fault")]</c> and print <see cref="Name"/> when it fails.
/// </summary>
public sealed record FaultRun(int Seed, TimeSpan Duration)
{
    /// <summary>The longest that one fault test may run, whatever is asked for.</summary>
    public static readonly TimeSpan DurationMax = TimeSpan.FromHours(1);

    /// <summary>Whether this is the long run.</summary>
    public static bool IsSoak => Number("EVENTSTREAM_SOAK_SECONDS") is not null;

    /// <summary>What to say so that a run can be repeated.</summary>
    public string Name => $"seed {Seed}, {Duration.TotalSeconds:0} s (repeat with EVENTSTREAM_SOAK_SEED={Seed})";

    /// <summary>The run for a test whose short form lasts <paramref name="shortly"/>.</summary>
    public static FaultRun Of(TimeSpan shortly, int seed = 1)
    {
        var asked = Number("EVENTSTREAM_SOAK_SECONDS") is { } seconds ? TimeSpan.FromSeconds(seconds) : shortly;
        return new FaultRun(Number("EVENTSTREAM_SOAK_SEED") ?? seed, asked < DurationMax ? asked : DurationMax);
    }

    private static int? Number(string variable) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), CultureInfo.InvariantCulture, out var number)
            ? number
            : null;
}
