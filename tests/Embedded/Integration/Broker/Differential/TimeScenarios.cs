using Confluent.Kafka;
using EventStream.Embedded.Tests.Broker;
using EventStream.Tests.Kit;

namespace EventStream.Embedded.Tests.Integration.Broker.Differential;

/// <summary>Offsets by time: earliest, latest, a timestamp, the greatest timestamp.</summary>
internal static class TimeScenarios
{
    private const long Latest = -1;
    private const long Earliest = -2;
    private const long MaxTimestamp = -3;

    public static async Task TimesAsync(World world)
    {
        var topic = await world.TopicAsync("times");
        await SeeAsync(world, topic, "empty", Latest, Earliest, MaxTimestamp, 0, 1000);
        foreach (long time in (long[])[1000, 2000, 5000, 3000, 4000])
        {
            await world.Wire.ProduceAsync(topic, Batches.Of(1, baseTimestamp: time));
        }
        await SeeAsync(
            world,
            topic,
            "out of order",
            Latest,
            Earliest,
            MaxTimestamp,
            0,
            1,
            1000,
            1001,
            2001,
            3000,
            4000,
            5000,
            5001
        );
        await SeeAsync(world, topic, "odd", -6, -99);
        world.Saw("no such partition", await world.Wire.ListOffsetsAsync(topic, Latest, partition: 3));
        world.Saw("no such topic", await world.Wire.ListOffsetsAsync(world.Name("none"), Latest));
        using var consumer = world.Consumer(world.Name("times"));
        foreach (long time in (long[])[0, 2500, 9999])
        {
            var found = consumer.OffsetsForTimes(
                [new TopicPartitionTimestamp(topic, 0, new Timestamp(time, TimestampType.CreateTime))],
                Clients.Patience
            );
            world.Saw($"a consumer asks for {time}", found[0].Offset);
        }
    }

    public static async Task WithinBatchesAsync(World world)
    {
        var topic = await world.TopicAsync("within");
        using (var producer = world.Producer(c => c.LingerMs = 100))
        {
            foreach (var codec in (int[])[1, 2])
            {
                await Task.WhenAll(
                    Enumerable
                        .Range(0, 5)
                        .Select(i =>
                            producer.ProduceAsync(
                                topic,
                                new()
                                {
                                    Key = "k",
                                    Value = "v",
                                    Timestamp = new Timestamp(codec * 1000 + i * 10, TimestampType.CreateTime),
                                }
                            )
                        )
                );
            }
        }
        await SeeAsync(world, topic, "within", 1000, 1005, 1010, 1040, 1041, 2025, 2040, 2041, MaxTimestamp);
        world.Saw("delete before 3", await world.Wire.DeleteRecordsAsync(topic, 3));
        await SeeAsync(world, topic, "after the deletion", Earliest, 1000, 1015, 1035);
    }

    public static async Task IsolationAsync(World world)
    {
        var topic = await world.TopicAsync("isolation");
        await world.Wire.ProduceAsync(topic, Batches.Of(2, baseTimestamp: 1000));
        var id = world.Name("isolation-tx");
        var producer = await world.Wire.InitProducerAsync(id);
        await world.Wire.AddPartitionsAsync(id, producer, (topic, 0));
        world.Saw(
            "in a transaction",
            await world.Wire.ProduceAsync(
                topic,
                Batches.Of(2, 3000, producer.Id, producer.Epoch, 0, transactional: true),
                transactionalId: id
            )
        );
        foreach (var committedOnly in (bool[])[false, true])
        {
            foreach (long time in (long[])[Latest, Earliest, MaxTimestamp, 1000, 3000])
            {
                world.Saw(
                    $"{(committedOnly ? "committed" : "all")}, time {time}",
                    await world.Wire.ListOffsetsAsync(topic, time, committedOnly)
                );
            }
        }
        world.Saw("end", await world.Wire.EndAsync(id, producer, commit: true));
        await Wait.UntilAsync(
            "the transaction is complete",
            async () => (await world.Wire.ListOffsetsAsync(topic, Latest, committedOnly: true)).Offset == 5
        );
        await SeeAsync(world, topic, "after the commit", Latest, 3000, 3001);
    }

    private static async Task SeeAsync(World world, string topic, string when, params long[] times)
    {
        foreach (var time in times)
        {
            world.Saw($"{when}, time {time}", await world.Wire.ListOffsetsAsync(topic, time));
        }
    }
}
