using System.Diagnostics;

namespace EventStream.Journey;

/// <summary>Waits on conditions, bounded in time.</summary>
public static class Wait
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(200);

    /// <summary>Asks until true. Throws <see cref="JourneyException"/> naming what was waited for.</summary>
    public static async Task UntilAsync(
        string what,
        TimeSpan timeout,
        CancellationToken cancellation,
        Func<Task<bool>> condition
    )
    {
        var clock = Stopwatch.StartNew();
        Exception? last = null;
        while (clock.Elapsed < timeout)
        {
            try
            {
                if (await condition())
                    return;
            }
            catch (Exception e) when (e is HttpRequestException or IOException)
            {
                last = e;
            }

            await Task.Delay(Interval, cancellation);
        }

        throw new JourneyException(
            $"Waited {timeout.TotalSeconds:0} s, and it was not seen that {what}. {last?.Message}",
            last
        );
    }
}
