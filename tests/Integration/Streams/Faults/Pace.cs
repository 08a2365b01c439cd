using System.Diagnostics;

namespace EventStream.Integration.Tests.Streams.Faults;

/// <summary>Holds a step back to so many records a second: a fault run then has input left and CPU to spare.</summary>
internal sealed class Pace(int perSecond, CancellationToken stop)
{
    private const int LookEvery = 100;
    private readonly Stopwatch clock = new();
    private long count;

    public void Count()
    {
        if (perSecond == 0 || ++count % LookEvery != 0)
            return;
        // A pause of the process, or a time without input, is not made up for.
        if (count == LookEvery || clock.Elapsed > TimeSpan.FromSeconds(1))
            (count, _) = (LookEvery, Restart());
        var ahead = TimeSpan.FromSeconds((double)count / perSecond) - clock.Elapsed;
        if (ahead > TimeSpan.Zero)
            stop.WaitHandle.WaitOne(ahead);
    }

    private bool Restart()
    {
        clock.Restart();
        return true;
    }
}
