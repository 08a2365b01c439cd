using System.Diagnostics;

namespace EventStream.Benchmarks.Streams;

/// <summary>
/// A windowed count with changelog over the pieces that the quality of experience runs on, at least once and exactly
/// once, beside consuming alone and beside Kafka Streams where Apache Kafka is beside the checkout. One thread each,
/// processor time of the client's process, on one broker in one run.
/// </summary>
internal static class StreamBenchmark
{
    private const int Rounds = 3;
    private const int WarmUp = 300_000;
    private const int Records = 1_000_000;
    private const string Unit = "CPU-s/M records";

    public static async Task<IReadOnlyList<Figure>> RunAsync()
    {
        await using var server = new OwnServer();
        await server.StartAsync();
        await StreamInput.WriteAsync(server.Bootstrap, Records);
        StreamContestant[] contestants =
        [
            new("consume alone", group => Own("consume", server, group)),
            new("windowed count, at least once", group => Own("count", server, group, "at_least_once")),
            new("windowed count, exactly once", group => Own("count", server, group, "exactly_once_v2")),
            .. KafkaStreamsPeer.Libraries is null
                ? []
                : new StreamContestant[]
                {
                    new(
                        "Kafka Streams, at least once",
                        group => KafkaStreamsPeer.Start(server.Bootstrap, group, "at_least_once")
                    ),
                    new(
                        "Kafka Streams, exactly once",
                        group => KafkaStreamsPeer.Start(server.Bootstrap, group, "exactly_once_v2")
                    ),
                },
        ];
        var costs = await CostsAsync(contestants, server.Bootstrap);
        if (Directory.Exists(KafkaStreamsPeer.StateFolder))
            Directory.Delete(KafkaStreamsPeer.StateFolder, true);
        return
        [
            Figure.AgainstLimit(contestants[1].Name, Unit, costs[1], costs[0], ""),
            Figure.AgainstLimit(contestants[2].Name, Unit, costs[2], costs[0], ""),
            .. contestants
                .Skip(3)
                .Select(
                    (peer, i) =>
                        Figure.AgainstPeer(
                            contestants[i + 1].Name,
                            Unit,
                            costs[i + 1],
                            costs[i + 3],
                            peer.Name,
                            "<= 0.5"
                        )
                ),
        ];
    }

    /// <summary>Medians; in every other round the last contestant comes first.</summary>
    private static async Task<double[]> CostsAsync(StreamContestant[] contestants, string bootstrap)
    {
        var costs = contestants.Select(_ => new List<double>()).ToArray();
        for (var round = 0; round < Rounds; round++)
        {
            for (var turn = 0; turn < contestants.Length; turn++)
            {
                var i = round % 2 == 0 ? turn : contestants.Length - 1 - turn;
                costs[i]
                    .Add(
                        await contestants[i]
                            .RunAsync(bootstrap, StreamInput.Topic, StreamInput.Partitions, Records, WarmUp)
                    );
                System.Console.WriteLine($"  {contestants[i].Name}: {costs[i][^1]:0.00} {Unit}");
            }
        }

        return [.. costs.Select(each => each.Order().ElementAt(each.Count / 2))];
    }

    private static ProcessStartInfo Own(string what, OwnServer server, string group, params string[] more)
    {
        var start = new ProcessStartInfo("dotnet")
        {
            ArgumentList =
            {
                "exec",
                typeof(StreamBenchmark).Assembly.Location,
                "contestant",
                what,
                server.Bootstrap,
                StreamInput.Topic,
                group,
            },
        };
        foreach (var argument in more)
            start.ArgumentList.Add(argument);
        return start;
    }
}
