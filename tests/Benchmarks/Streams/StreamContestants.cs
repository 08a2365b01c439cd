using System.Diagnostics;

namespace EventStream.Benchmarks.Streams;

/// <summary>What a child process of the stream benchmarks runs; its parent ends it.</summary>
internal static class StreamContestants
{
    public static async Task RunAsync(string[] arguments)
    {
        switch (arguments)
        {
            case ["consume", var bootstrap, var topic, var group]:
                ConsumeLimit.Run(bootstrap, topic, group);
                break;
            case ["count", var bootstrap, var topic, var group, var guarantee]:
                using (var host = WindowCount.Host(bootstrap, topic, group, guarantee == "exactly_once_v2"))
                {
                    await host.StartAsync(CancellationToken.None);
                    await Task.Delay(Timeout.Infinite);
                }

                break;
            case ["restore", var bootstrap, var topic, var group, var settings]:
                using (var host = WindowCount.Host(bootstrap, topic, group, true, settings == "library"))
                    await RestoreBenchmark.ReportAsync(host);
                break;
            default:
                throw new UnreachableException($"No contestant: {string.Join(' ', arguments)}");
        }
    }
}
