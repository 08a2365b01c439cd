using EventStream.Qoe.Sessions;

namespace EventStream.Qoe.Load;

/// <summary>
/// How many sessions watch in one step. A session watches from its first playing state to its end; until that is
/// known, to its last report: one that fell silent ended there.
/// </summary>
internal sealed class WatchingLevel(DateTimeOffset step, TimeSpan length)
{
    /// <summary>Instants of a step at which the level is taken, so that partitions add up to a peak.</summary>
    private const int Instants = 100;

    private readonly int[] changes = new int[Instants + 1];
    private double watched;
    private bool any;

    /// <summary>Adds the part of a session that falls into the step.</summary>
    public void Add(SessionState session)
    {
        if (session.FirstPlayAt is not { } from)
            return;
        var to = session.EndedAt ?? session.LastHeardAt;
        var first = Math.Clamp((from - step) / length, 0, 1);
        var last = Math.Clamp((to - step) / length, 0, 1);
        if (last <= first)
            return;
        any = true;
        watched += last - first;
        changes[(int)Math.Ceiling(first * Instants)]++;
        changes[(int)Math.Ceiling(last * Instants)]--;
    }

    /// <summary>The partition's part: the mean over the step and the level at each instant.</summary>
    public LoadPart Part(int partition, int partitions)
    {
        var levels = new int[Instants];
        for (var (i, level) = (0, 0); i < Instants; i++)
            levels[i] = level += changes[i];
        return new LoadPart(LoadPart.Viewers, step, watched, "sessions", any ? levels : null, partition, partitions);
    }

    /// <summary>
    /// The most at one instant. Sessions too short for the instants count by the mean, which no peak is below.
    /// </summary>
    public static double Peak(LoadPart sum) =>
        Math.Max(sum.Levels is { Count: > 0 } levels ? levels.Max() : 0, Math.Ceiling(sum.Value - 1e-6));
}
