using System.Diagnostics;

namespace EventStream.Tests.Kit;

/// <summary>Waits on a condition, looking often, and fails with what it waited for when that takes too long.</summary>
public static class Wait
{
    private static readonly TimeSpan TimeoutDefault = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(50);

    /// <summary>Returns when the condition holds; <paramref name="what"/> completes "it was not seen that".</summary>
    public static Task UntilAsync(string what, Func<bool> holds, TimeSpan? timeout = null) =>
        UntilAsync(what, () => Task.FromResult(holds()), timeout);

    /// <summary>The same for a condition that has to be asked for.</summary>
    public static async Task UntilAsync(string what, Func<Task<bool>> holds, TimeSpan? timeout = null)
    {
        var limit = timeout ?? TimeoutDefault;
        var waited = Stopwatch.StartNew();
        while (!await holds())
        {
            if (waited.Elapsed > limit)
                Assert.Fail($"In {limit.TotalSeconds:0} s it was not seen that {what}.");
            await Task.Delay(LookInterval);
        }
    }
}
