using EventStream.Integration.Tests.Streams.Faults;
using EventStream.Tests.Kit;

namespace EventStream.Integration.Tests;

/// <summary>The clients of the fault runs, each started as a process of its own by this assembly.</summary>
internal static class Program
{
    private static readonly Dictionary<string, FaultClient> Clients = new(StringComparer.Ordinal)
    {
        ["count"] = (bootstrap, more, stop) =>
            CountProgram.Run(bootstrap, instance: more[0], CountSettings.Of(more[1]), stop),
    };

    public static int Main(string[] arguments) => FaultProgram.Run(arguments, Clients);
}
