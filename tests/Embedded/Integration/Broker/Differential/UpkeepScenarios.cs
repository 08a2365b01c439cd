using Confluent.Kafka;
using EventStream.Embedded.Tests.Broker;
using EventStream.Tests.Kit;

namespace EventStream.Embedded.Tests.Integration.Broker.Differential;

/// <summary>What is left to be seen after deletion, compaction and retention.</summary>
internal static class UpkeepScenarios
{
    /// <summary>A cleaner looks around every few seconds at most.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    public static async Task DeleteRecordsAsync(World world)
    {
        var topic = await world.TopicAsync("deleted");
        for (var i = 0; i < 4; i++)
        {
            await world.Wire.ProduceAsync(topic, Batches.Of(5));
        }
        foreach (long before in (long[])[7, 3, 7, 21, -5])
        {
            world.Saw($"before {before}", await world.Wire.DeleteRecordsAsync(topic, before));
        }
        world.Saw("below the start", await world.Wire.FetchAsync(topic, 6));
        world.Saw("at the start", await world.Wire.FetchAsync(topic, 7));
        world.Saw("seen", string.Join(' ', world.Read(topic, 7).Select(r => r.Offset.Value)));
        world.Saw("earliest", await world.Wire.ListOffsetsAsync(topic, -2));
        world.Saw("all of it", await world.Wire.DeleteRecordsAsync(topic, -1));
        world.Saw("marks", await world.Wire.FetchAsync(topic, 20));
        world.Saw("goes on", await world.Wire.ProduceAsync(topic, Batches.Of(1)));
        world.Saw("no such partition", await world.Wire.DeleteRecordsAsync(topic, 0, partition: 9));
        world.Saw("no such topic", await world.Wire.DeleteRecordsAsync(world.Name("none"), 0));
        var compacted = await world.TopicAsync("deleted-compacted", 1, ("cleanup.policy", "compact"));
        world.Saw("of a compacted topic", await world.Wire.DeleteRecordsAsync(compacted, 0));
    }

    public static async Task CompactionAsync(World world)
    {
        var topic = await CompactedAsync(world, "compacted", ("delete.retention.ms", "86400000"));
        using (var producer = world.Producer())
        {
            for (var round = 0; round < 3; round++)
            {
                foreach (var key in (string[])["a", "b", "c", "d"])
                {
                    var value = key == "c" && round == 1 ? null : $"{key}{round}";
                    if (key != "c" || round < 2)
                    {
                        await producer.ProduceAsync(topic, new() { Key = key, Value = value });
                    }
                }
            }
            await RollAsync(world, topic, producer);
        }
        await Wait.UntilAsync(
            "only the last value of each key is left",
            () => Task.FromResult(world.Read(topic).Count(r => r.Message.Key != "roll") == 4),
            Patience
        );
        world.Saw(
            "left",
            string.Join(
                ", ",
                world
                    .Read(topic)
                    .Where(r => r.Message.Key != "roll")
                    .Select(r => $"{r.Offset.Value} {r.Message.Key}={r.Message.Value ?? "null"}")
            )
        );
        world.Saw("start of the log", (await world.Wire.ListOffsetsAsync(topic, -2)).Offset);
        world.Saw("fetch of an offset that is gone", (await world.Wire.FetchAsync(topic, 1)).Code);
        world.Saw(
            "read from an offset that is gone",
            string.Join(' ', world.Read(topic, 1).Where(r => r.Message.Key != "roll").Select(r => r.Offset.Value))
        );
    }

    public static async Task CompactionOfTransactionsAsync(World world)
    {
        var topic = await CompactedAsync(world, "compacted-tx", ("delete.retention.ms", "86400000"));
        using (var producer = world.Producer(c => c.TransactionalId = world.Name("compacted-tx")))
        {
            producer.InitTransactions(Clients.Patience);
            foreach (var (value, commit) in new[] { ("1", true), ("2", true), ("3", false) })
            {
                producer.BeginTransaction();
                await producer.ProduceAsync(topic, new() { Key = "k", Value = value });
                await producer.ProduceAsync(topic, new() { Key = "only-" + value, Value = value });
                if (commit)
                {
                    producer.CommitTransaction(Clients.Patience);
                }
                else
                {
                    producer.AbortTransaction(Clients.Patience);
                }
            }
        }
        using (var plain = world.Producer())
        {
            await RollAsync(world, topic, plain);
        }
        await Wait.UntilAsync(
            "what was aborted or overwritten is gone",
            () =>
                Task.FromResult(
                    world.Read(topic, 0, IsolationLevel.ReadUncommitted).Count(r => r.Message.Key != "roll") == 3
                ),
            Patience
        );
        world.Saw(
            "left",
            string.Join(
                ", ",
                world
                    .Read(topic)
                    .Where(r => r.Message.Key != "roll")
                    .Select(r => $"{r.Offset.Value} {r.Message.Key}={r.Message.Value}")
            )
        );
    }

    public static async Task RetentionBySizeAsync(World world)
    {
        var topic = await world.TopicAsync("by-size", 1, ("segment.bytes", "1048576"), ("retention.bytes", "1500000"));
        using (var producer = world.Producer())
        {
            for (var i = 0; i < 40; i++)
            {
                await producer.ProduceAsync(topic, new() { Key = $"{i}", Value = new string('x', 100_000) });
            }
        }
        // Ten records of this size make a segment; what lies before the last two is too much.
        await Wait.UntilAsync(
            "the first segments are gone",
            async () => (await world.Wire.ListOffsetsAsync(topic, -2)).Offset == 20,
            Patience
        );
        world.Saw("earliest", await world.Wire.ListOffsetsAsync(topic, -2));
        world.Saw("what is gone", Wire.Name((await world.Wire.FetchAsync(topic, 19)).Code));
        world.Saw("first read", world.Read(topic, 20)[0].Message.Key);
    }

    public static async Task RetentionByTimeAsync(World world)
    {
        var topic = await world.TopicAsync("by-time", 1, ("retention.ms", "3600000"));
        var now = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();
        await world.Wire.ProduceAsync(topic, Batches.Of(3, baseTimestamp: now - 7_200_000));
        await Wait.UntilAsync(
            "what is too old is gone",
            async () => (await world.Wire.ListOffsetsAsync(topic, -2)).Offset == 3,
            Patience
        );
        world.Saw("earliest", await world.Wire.ListOffsetsAsync(topic, -2));
        world.Saw("goes on", await world.Wire.ProduceAsync(topic, Batches.Of(1, baseTimestamp: now)));
        world.Saw("seen", string.Join(' ', world.Read(topic, 3).Select(r => r.Offset.Value)));
    }

    private static Task<string> CompactedAsync(World world, string called, params (string, string?)[] more) =>
        world.TopicAsync(
            called,
            1,
            [
                ("cleanup.policy", "compact"),
                ("segment.ms", "100"),
                ("min.cleanable.dirty.ratio", "0.01"),
                ("min.compaction.lag.ms", "0"),
                .. more,
            ]
        );

    /// <summary>Begins a new segment, so that what was written before may be compacted.</summary>
    private static async Task RollAsync(World world, string topic, IProducer<string?, string?> producer)
    {
        await Task.Delay(300);
        await producer.ProduceAsync(topic, new() { Key = "roll", Value = "1" });
        await Task.Delay(300);
        await producer.ProduceAsync(topic, new() { Key = "roll", Value = "2" });
        Assert.True((await world.Wire.ListOffsetsAsync(topic, -1)).Offset > 0);
    }
}
