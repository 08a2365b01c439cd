using System.Diagnostics;

namespace EventStream.Benchmarks.Streams;

/// <summary>What a child process of the stream benchmark runs; its parent ends it.</summary>
internal static class StreamContestants
{
    public static void Run(string[] arguments)
    {
        switch (arguments)
        {
            case ["consume", var bootstrap, var topic, var group]:
                ConsumeLimit.Run(bootstrap, topic, group);
                break;
            case ["count", var bootstrap, var topic, var group, var guarantee]:
                WindowCount.RunAsync(bootstrap, topic, group, guarantee).GetAwaiter().GetResult();
                break;
            default:
                throw new UnreachableException($"No contestant: {string.Join(' ', arguments)}");
        }
    }
}
