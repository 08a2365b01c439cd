using System.Buffers.Binary;
using System.Text;
using Confluent.Kafka;
using EventStream.Embedded.Broker.Protocol;
using EventStream.Embedded.Tests.Broker;

namespace EventStream.Embedded.Tests.Integration.Broker.Differential;

/// <summary>What a producer sees, and a consumer of what it sent.</summary>
internal static class ProduceScenarios
{
    private const int AttributesAt = 21;

    public static async Task AcknowledgementsAsync(World world)
    {
        var topic = await world.TopicAsync("acks");
        foreach (short acks in (short[])[1, -1, 2, -2])
        {
            world.Saw($"acks={acks}", await world.Wire.ProduceAsync(topic, Batches.Of(2), acks));
        }
        await world.Wire.ProduceSilentlyAsync(topic, Batches.Of(3));
        world.Saw("after acks=0", await world.Wire.ProduceAsync(topic, Batches.Of(1)));
        world.Saw("no such topic", await world.Wire.ProduceAsync(world.Name("none"), Batches.Of(1)));
        world.Saw("no such partition", await world.Wire.ProduceAsync(topic, Batches.Of(1), partition: 7));
        world.Saw("marks", await world.Wire.FetchAsync(topic, 0));
    }

    public static async Task RecordsAsync(World world)
    {
        var topic = await world.TopicAsync("records");
        using (var producer = world.Producer())
        {
            await producer.ProduceAsync(
                topic,
                new()
                {
                    Key = "k",
                    Value = "v",
                    Timestamp = At(1000),
                }
            );
            await producer.ProduceAsync(
                topic,
                new()
                {
                    Key = null,
                    Value = "no key",
                    Timestamp = At(2000),
                }
            );
            await producer.ProduceAsync(
                topic,
                new()
                {
                    Key = "no value",
                    Value = null,
                    Timestamp = At(3000),
                }
            );
            await producer.ProduceAsync(
                topic,
                new()
                {
                    Key = "",
                    Value = "",
                    Timestamp = At(4000),
                }
            );
            await producer.ProduceAsync(
                topic,
                new()
                {
                    Key = "headers",
                    Value = "ünïcode",
                    Timestamp = At(5000),
                    Headers = new Headers
                    {
                        { "a", Encoding.UTF8.GetBytes("1") },
                        { "a", null },
                        { "", [] },
                    },
                }
            );
        }
        foreach (var r in world.Read(topic))
        {
            var headers = r.Message.Headers.Select(h => $"{h.Key}={h.GetValueBytes()?.Length ?? -1} bytes");
            world.Saw(
                $"offset {r.Offset.Value}",
                $"{r.Message.Key ?? "null"}={r.Message.Value ?? "null"} at {r.Message.Timestamp.UnixTimestampMs} "
                    + $"{r.Message.Timestamp.Type} [{string.Join(", ", headers)}]"
            );
        }
    }

    public static async Task CodecsAsync(World world)
    {
        foreach (var codec in Enum.GetValues<CompressionType>())
        {
            var topic = await world.TopicAsync($"codec-{codec}".ToLowerInvariant());
            using (var producer = world.Producer(c => (c.CompressionType, c.LingerMs) = (codec, 50)))
            {
                var sent = Enumerable
                    .Range(0, 20)
                    .Select(i => producer.ProduceAsync(topic, new() { Key = $"{i}", Value = new string('x', 100) }));
                var offsets = (await Task.WhenAll(sent)).Select(r => r.Offset.Value);
                world.Saw($"{codec} offsets", string.Join(' ', offsets));
            }
            var read = world.Read(topic);
            world.Saw($"{codec} read", $"{read.Count} records, {read.Sum(r => r.Message.Value!.Length)} characters");
        }
        var own = await world.TopicAsync("codec-unknown");
        foreach (short codec in (short[])[5, 6, 7])
        {
            world.Saw($"codec {codec}", await world.Wire.ProduceAsync(own, Changed(Batches.Of(1), codec)));
        }
    }

    public static async Task BrokenRulesAsync(World world)
    {
        var topic = await world.TopicAsync("rules", 1, ("max.message.bytes", "1000"));
        async Task Try(string what, byte[] records) => world.Saw(what, await world.Wire.ProduceAsync(topic, records));
        await Try("a good batch", Batches.Of(3));
        await Try("a wrong checksum", With(Batches.Of(3), b => b[^1] ^= 1));
        await Try("an old magic", With(Batches.Of(3), b => b[16] = 1));
        await Try("a future magic", With(Batches.Of(3), b => b[16] = 3));
        await Try("no bytes at all", []);
        await Try("half a header", Batches.Of(3)[..30]);
        await Try("half a batch", Batches.Of(3)[..70]);
        await Try("two batches", [.. Batches.Of(3), .. Batches.Of(3)]);
        await Try("a control batch", Changed(Batches.Of(1), 0x20));
        await Try("too large", Batches.Of(200));
        await Try("a count of records that is too small", With(Batches.Of(3), b => Count(b, 2)));
        await Try("a last offset that is too great", With(Batches.Of(3), b => LastOffset(b, 9)));
        await Try(
            "no records",
            With(
                Batches.Of(1)[..BatchHeader.Size],
                b =>
                {
                    BinaryPrimitives.WriteInt32BigEndian(b.AsSpan(8), b.Length - BatchHeader.Prefix);
                    Count(b, 0);
                    LastOffset(b, -1);
                }
            )
        );
        await Try("transactional without a producer id", Batches.Of(1, transactional: true));
        await Try("a producer id without a sequence", Batches.Of(1, producerId: 1, epoch: 0));
        await Try("the next good batch", Batches.Of(1));
        var keyed = await world.TopicAsync("rules-compacted", 1, ("cleanup.policy", "compact"));
        world.Saw("no key in a compacted topic", await world.Wire.ProduceAsync(keyed, Batches.Of(1)));
        foreach (var codec in (int[])[0, 4])
        {
            var mixed = KeyedBatches.Of([("a", "1"), (null, "2"), ("b", "3"), (null, "4"), ("c", "5")], codec);
            world.Saw($"two of five without a key, codec {codec}", await world.Wire.ProduceAsync(keyed, mixed));
        }
        world.Saw(
            "the neighbours of those",
            await world.Wire.ProduceAsync(keyed, KeyedBatches.Of([("a", "1"), ("b", "3"), ("c", "5")]))
        );
    }

    public static async Task SequencesAsync(World world)
    {
        var topic = await world.TopicAsync("sequences");
        var id = (await world.Wire.InitProducerAsync(null)).Id;
        async Task Try(string what, int count, int sequence, short epoch = 0, long? producer = null) =>
            world.Saw(
                what,
                await world.Wire.ProduceAsync(
                    topic,
                    Batches.Of(count, producerId: producer ?? id, epoch: epoch, baseSequence: sequence)
                )
            );
        await Try("first", 3, 0);
        await Try("second", 2, 3);
        await Try("second again", 2, 3);
        await Try("first again", 3, 0);
        await Try("a gap", 1, 9);
        await Try("third", 1, 5);
        for (var i = 6; i < 12; i++)
        {
            await Try($"sequence {i}", 1, i);
        }
        await Try("one of the last five again", 1, 8);
        await Try("one before the last five again", 1, 3);
        await Try("an overlap", 2, 11);
        await Try("a new epoch that begins with 5", 1, 5, epoch: 1);
        await Try("a new epoch that begins with 0", 1, 0, epoch: 1);
        await Try("the old epoch", 1, 12);
        var other = (await world.Wire.InitProducerAsync(null)).Id;
        await Try("an unknown producer that begins with 5", 1, 5, producer: other);
        await Try("an unknown producer that begins with 0", 1, 0, producer: other);
        world.Saw("producer ids", other > id ? "ascend" : $"{id} then {other}");
        world.Saw("marks", await world.Wire.FetchAsync(topic, 0));
    }

    public static async Task AppendTimeAsync(World world)
    {
        var topic = await world.TopicAsync("append-time", 1, ("message.timestamp.type", "LogAppendTime"));
        var first = await world.Wire.ProduceAsync(topic, Batches.Of(3, baseTimestamp: 5));
        world.Saw("a batch", $"{first}, append time {(first.LogAppendTime > 1_700_000_000_000 ? "told" : "missing")}");
        var read = world.Read(topic);
        world.Saw(
            "read",
            string.Join(
                ", ",
                read.Select(r =>
                    $"{r.Offset.Value} {r.Message.Timestamp.Type} "
                    + (r.Message.Timestamp.UnixTimestampMs == first.LogAppendTime ? "as told" : "another")
                )
            )
        );
        var found = await world.Wire.ListOffsetsAsync(topic, first.LogAppendTime);
        world.Saw("found by the time of append", found.Offset);
        world.Saw("not found after it", (await world.Wire.ListOffsetsAsync(topic, first.LogAppendTime + 1)).Offset);
    }

    public static async Task TimestampBoundsAsync(World world)
    {
        var topic = await world.TopicAsync(
            "bounds",
            1,
            ("message.timestamp.before.max.ms", "3600000"),
            ("message.timestamp.after.max.ms", "3600000")
        );
        var now = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();
        foreach (var hours in (int[])[-2, 0, 2])
        {
            var batch = Batches.Of(1, baseTimestamp: now + hours * 3_600_000L);
            world.Saw($"{hours} hours from now", await world.Wire.ProduceAsync(topic, batch));
        }
        const long hour = 3_600_000;
        world.Saw("the last of three too late", await world.Wire.ProduceAsync(topic, Spread(now, 0, 0, 2 * hour)));
        world.Saw("two of three too early", await world.Wire.ProduceAsync(topic, Spread(now, -2 * hour, 0, -3 * hour)));
        world.Saw("early, good and late", await world.Wire.ProduceAsync(topic, Spread(now, -2 * hour, 0, 2 * hour)));
        var open = await world.TopicAsync("bounds-default");
        world.Saw("1970", await world.Wire.ProduceAsync(open, Batches.Of(1, baseTimestamp: 5)));
        world.Saw(
            "2 days ahead",
            await world.Wire.ProduceAsync(open, Batches.Of(1, baseTimestamp: now + 48 * 3_600_000L))
        );
        world.Saw("no timestamp", await world.Wire.ProduceAsync(open, Batches.Of(1, baseTimestamp: -1)));
    }

    private static Timestamp At(long ms) => new(ms, TimestampType.CreateTime);

    private static byte[] Spread(long now, params long[] after) =>
        KeyedBatches.Of([.. after.Select(_ => ((string?)"k", (string?)"v"))], baseTimestamp: now, after: after);

    private static byte[] Changed(byte[] batch, short attributes) =>
        With(batch, b => BinaryPrimitives.WriteInt16BigEndian(b.AsSpan(AttributesAt), attributes), seal: true);

    private static void Count(byte[] batch, int count)
    {
        BinaryPrimitives.WriteInt32BigEndian(batch.AsSpan(57), count);
        BatchHeader.WriteChecksum(batch);
    }

    private static void LastOffset(byte[] batch, int delta)
    {
        BinaryPrimitives.WriteInt32BigEndian(batch.AsSpan(23), delta);
        BatchHeader.WriteChecksum(batch);
    }

    private static byte[] With(byte[] batch, Action<byte[]> change, bool seal = false)
    {
        change(batch);
        if (seal)
        {
            BatchHeader.WriteChecksum(batch);
        }
        return batch;
    }
}
