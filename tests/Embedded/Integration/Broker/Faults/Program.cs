using System.Globalization;
using EventStream.Tests.Kit;

namespace EventStream.Embedded.Tests.Integration.Broker.Faults;

/// <summary>The clients of the broker's fault runs, each started as a process of its own by this assembly.</summary>
internal static class Program
{
    private static readonly Dictionary<string, FaultClient> Clients = new(StringComparer.Ordinal)
    {
        ["produce"] = (bootstrap, more, stop) =>
            ProducerClient.Run(
                bootstrap,
                topic: more[0],
                name: more[1],
                partition: int.Parse(more[2], CultureInfo.InvariantCulture),
                stop
            ),
        ["transfer"] = (bootstrap, more, stop) =>
            TransferClient.Run(bootstrap, topic: more[0], name: more[1], run: more[2], stop),
        ["chain"] = (bootstrap, more, stop) =>
            new ChainClient(bootstrap, source: more[0], target: more[1], name: more[2]).Run(stop),
        ["consume"] = (bootstrap, more, stop) => ConsumerClient.Run(bootstrap, topic: more[0], stop),
    };

    public static int Main(string[] arguments) => FaultProgram.Run(arguments, Clients);
}
