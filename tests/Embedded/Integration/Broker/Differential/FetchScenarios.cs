using Confluent.Kafka;
using EventStream.Embedded.Tests.Broker;

namespace EventStream.Embedded.Tests.Integration.Broker.Differential;

/// <summary>What a consumer sees of offsets, sizes and epochs.</summary>
internal static class FetchScenarios
{
    public static async Task OffsetsAsync(World world)
    {
        var topic = await world.TopicAsync("offsets", 2);
        world.Saw("empty", await world.Wire.FetchAsync(topic, 0));
        world.Saw("beyond an empty log", await world.Wire.FetchAsync(topic, 1));
        for (var i = 0; i < 3; i++)
        {
            await world.Wire.ProduceAsync(topic, Batches.Of(4));
        }
        foreach (long offset in (long[])[0, 3, 4, 5, 11, 12, 13, -1, -5])
        {
            world.Saw($"from {offset}", await world.Wire.FetchAsync(topic, offset));
        }
        world.Saw("the other partition", await world.Wire.FetchAsync(topic, 0, partition: 1));
        world.Saw("no such partition", await world.Wire.FetchAsync(topic, 0, partition: 2));
        world.Saw("no such topic", await world.Wire.FetchAsync(world.Name("none"), 0));
        var waiting = (await world.ConnectAsync()).FetchAsync(topic, 12, waitMs: 20_000);
        await world.Wire.ProduceAsync(topic, Batches.Of(1));
        world.Saw("a fetch that waited", await waiting);
    }

    public static async Task SizesAsync(World world)
    {
        var topic = await world.TopicAsync("sizes");
        for (var i = 0; i < 4; i++)
        {
            await world.Wire.ProduceAsync(topic, Batches.Of(10));
        }
        var one = Batches.Of(10).Length;
        foreach (var bytes in (int[])[1, one - 1, one, one + 1, 2 * one, 3 * one + one / 2, 10 * one])
        {
            // Batches are never cut for a consumer of ours; Apache Kafka may cut the last one, which clients drop.
            var fetched = await world.Wire.FetchAsync(topic, 0, maxBytes: bytes);
            world.Saw($"{(double)bytes / one:0.00} batches", fetched.Batches.Replace(", cut off", ""));
        }
        var read = world.Read(
            topic,
            15,
            configure: c => (c.MessageMaxBytes, c.FetchMaxBytes, c.MaxPartitionFetchBytes) = (1000, 1000, 1)
        );
        world.Saw("a consumer with small fetches", string.Join(' ', read.Select(r => r.Offset.Value)));
    }

    public static async Task LeaderEpochsAsync(World world)
    {
        var topic = await world.TopicAsync("epochs");
        await world.Wire.ProduceAsync(topic, Batches.Of(5));
        world.Saw("fetch in epoch 0", await world.Wire.FetchAsync(topic, 0, leaderEpoch: 0));
        world.Saw("fetch in epoch 7", await world.Wire.FetchAsync(topic, 0, leaderEpoch: 7));
        world.Saw("list offsets in epoch 7", await world.Wire.ListOffsetsAsync(topic, -1, leaderEpoch: 7));
        world.Saw("end of epoch 0", await world.Wire.EpochEndAsync(topic, -1, 0));
        world.Saw("end of epoch 0, current 0", await world.Wire.EpochEndAsync(topic, 0, 0));
        world.Saw("end of epoch 0, current 7", await world.Wire.EpochEndAsync(topic, 7, 0));
        world.Saw("end of epoch 5", await world.Wire.EpochEndAsync(topic, -1, 5));
        world.Saw("no such topic", await world.Wire.EpochEndAsync(world.Name("none"), -1, 0));
        var empty = await world.TopicAsync("epochs-empty");
        world.Saw("end of epoch 0 of nothing", await world.Wire.EpochEndAsync(empty, -1, 0));
    }

    public static async Task ResetAsync(World world)
    {
        var topic = await world.TopicAsync("reset");
        for (var i = 0; i < 5; i++)
        {
            await world.Wire.ProduceAsync(topic, Batches.Of(2));
        }
        world.Saw("delete before 4", await world.Wire.DeleteRecordsAsync(topic, 4));
        foreach (
            var (reset, from) in new[]
            {
                (AutoOffsetReset.Earliest, 1),
                (AutoOffsetReset.Earliest, 99),
                (AutoOffsetReset.Latest, 1),
                (AutoOffsetReset.Error, 99),
                (AutoOffsetReset.Error, 6),
            }
        )
        {
            try
            {
                var read = world.Read(topic, from, configure: c => c.AutoOffsetReset = reset);
                world.Saw($"{reset} from {from}", string.Join(' ', read.Select(r => r.Offset.Value)));
            }
            catch (ConsumeException e)
            {
                world.Saw($"{reset} from {from}", e.Error.Code);
            }
        }
        using var consumer = world.Consumer(world.Name("marks"));
        var marks = consumer.QueryWatermarkOffsets(new TopicPartition(topic, 0), Clients.Patience);
        world.Saw("watermarks", $"{marks.Low.Value} to {marks.High.Value}");
    }
}
