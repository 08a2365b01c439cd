using Confluent.Kafka;
using EventStream.Embedded.Tests.Broker;
using EventStream.Tests.Kit;

namespace EventStream.Embedded.Tests.Integration.Broker.Differential;

/// <summary>Transactions: what is seen of them, and what their producers are told.</summary>
internal static class TransactionScenarios
{
    public static async Task OutcomesAsync(World world)
    {
        var topic = await world.TopicAsync("outcomes", 2);
        using var producer = world.Producer(c => c.TransactionalId = world.Name("outcomes"));
        producer.InitTransactions(Clients.Patience);
        foreach (var (value, commit) in new[] { ("a", true), ("b", false), ("c", true), ("d", false) })
        {
            producer.BeginTransaction();
            foreach (var partition in (int[])[0, 1])
            {
                var sent = await producer.ProduceAsync(
                    new TopicPartition(topic, partition),
                    new() { Key = "k", Value = value }
                );
                world.Saw($"{value} in {partition}", sent.Offset.Value);
            }
            var marks = await world.Wire.FetchAsync(topic, 0, committedOnly: true);
            world.Saw("open", $"high watermark {marks.HighWatermark}, last stable {marks.LastStable}");
            if (commit)
            {
                producer.CommitTransaction(Clients.Patience);
            }
            else
            {
                producer.AbortTransaction(Clients.Patience);
            }
            await StableAsync(world, topic);
        }
        world.Saw("committed", world.Visible(topic));
        world.Saw("all", world.Visible(topic, IsolationLevel.ReadUncommitted));
        world.Saw("the other partition", world.Visible(topic, partition: 1));
        world.Saw("fetch committed", await world.Wire.FetchAsync(topic, 0, committedOnly: true));
        world.Saw("fetch all", await world.Wire.FetchAsync(topic, 0));
        world.Saw("fetch the middle", await world.Wire.FetchAsync(topic, 4, committedOnly: true));
    }

    public static async Task SideBySideAsync(World world)
    {
        var topic = await world.TopicAsync("side");
        var producers = new List<(string Id, Wire.ProducerIdentity Who, int Next)>();
        for (var i = 0; i < 3; i++)
        {
            var id = world.Name($"side-{i}");
            producers.Add((id, await world.Wire.InitProducerAsync(id), 0));
        }
        async Task Step(int i, string what)
        {
            var (id, who, next) = producers[i];
            switch (what)
            {
                case "begins":
                    world.Saw($"{i} begins", await world.Wire.AddPartitionsAsync(id, who, (topic, 0)));
                    break;
                case "writes":
                    producers[i] = (id, who, next + 2);
                    world.Saw(
                        $"{i} writes",
                        await world.Wire.ProduceAsync(
                            topic,
                            Batches.Of(2, 1000, who.Id, who.Epoch, next, true),
                            transactionalId: id
                        )
                    );
                    break;
                default:
                    var before = (await world.Wire.FetchAsync(topic, 0)).HighWatermark;
                    world.Saw($"{i} {what}", await world.Wire.EndAsync(id, who, what == "commits"));
                    await Wait.UntilAsync(
                        "the marker is written",
                        async () => (await world.Wire.FetchAsync(topic, 0)).HighWatermark > before
                    );
                    break;
            }
            // How much of what is decided comes with one fetch is the broker's to choose.
            world.Saw("marks", await world.Wire.FetchAsync(topic, 0, true) with { Batches = "" });
        }
        foreach (
            var (i, what) in new[]
            {
                (0, "begins"),
                (0, "writes"),
                (1, "begins"),
                (1, "writes"),
                (2, "begins"),
                (2, "writes"),
                (1, "aborts"),
                (0, "writes"),
                (2, "commits"),
                (0, "commits"),
                (1, "begins"),
                (1, "writes"),
                (1, "commits"),
            }
        )
        {
            await Step(i, what);
        }
        world.Saw("plain behind them", await world.Wire.ProduceAsync(topic, Batches.Of(1)));
        world.Saw("seen", string.Join(' ', world.Read(topic).Select(r => r.Offset.Value)));
    }

    public static async Task FencedAsync(World world)
    {
        var (topic, id, wire) = (await world.TopicAsync("fenced"), world.Name("fenced"), world.Wire);
        var first = await wire.InitProducerAsync(id);
        world.Saw("first", $"{Wire.Name(first.Code)}, epoch {first.Epoch}");
        world.Saw("begins", await wire.AddPartitionsAsync(id, first, (topic, 0)));
        world.Saw("writes", await WriteAsync(world, topic, id, first, 0));
        var second = await wire.InitProducerAsync(id);
        world.Saw(
            "second",
            $"{Wire.Name(second.Code)}, epoch +{second.Epoch - first.Epoch}, "
                + $"{(first.Id == second.Id ? "the same" : "another")} producer id"
        );
        world.Saw("what the first wrote", await wire.FetchAsync(topic, 0, true) with { Batches = "" });
        world.Saw("the first writes", await WriteAsync(world, topic, id, first, 1));
        world.Saw("the first adds a partition", await wire.AddPartitionsAsync(id, first, (topic, 0)));
        world.Saw("the first adds offsets", await wire.AddOffsetsAsync(id, first, world.Name("g")));
        world.Saw("the first commits", await wire.EndAsync(id, first, commit: true));
        world.Saw("the first aborts", await wire.EndAsync(id, first, commit: false));
        var refused = await wire.InitProducerAsync(id, 60_000, first.Id, first.Epoch);
        world.Saw("the first asks for a new epoch", Wire.Name(refused.Code));
        world.Saw("the second begins", await wire.AddPartitionsAsync(id, second, (topic, 0)));
        world.Saw("the second writes", await WriteAsync(world, topic, id, second, 0));
        world.Saw("the second commits", await wire.EndAsync(id, second, commit: true));
        await StableAsync(world, topic);
        var third = await wire.InitProducerAsync(id, 60_000, second.Id, second.Epoch);
        world.Saw("the second asks for a new epoch", $"{Wire.Name(third.Code)}, +{third.Epoch - second.Epoch}");
        var repeated = await wire.InitProducerAsync(id, 60_000, second.Id, second.Epoch);
        world.Saw("and repeats that", $"{Wire.Name(repeated.Code)}, +{repeated.Epoch - second.Epoch}");
        world.Saw("seen", string.Join(' ', world.Read(topic).Select(r => r.Offset.Value)));
    }

    public static async Task StockFencedAsync(World world)
    {
        var topic = await world.TopicAsync("zombie");
        using var first = world.Producer(c => c.TransactionalId = world.Name("zombie"));
        first.InitTransactions(Clients.Patience);
        first.BeginTransaction();
        await first.ProduceAsync(topic, new() { Key = "k", Value = "first" });
        using var second = world.Producer(c => c.TransactionalId = world.Name("zombie"));
        second.InitTransactions(Clients.Patience);
        second.BeginTransaction();
        await second.ProduceAsync(topic, new() { Key = "k", Value = "second" });
        try
        {
            first.CommitTransaction(Clients.Patience);
            world.Saw("the first commits", "NoError");
        }
        catch (KafkaException e)
        {
            world.Saw("the first commits", $"{e.Error.Code}, {(e.Error.IsFatal ? "fatal" : "not fatal")}");
        }
        second.CommitTransaction(Clients.Patience);
        await StableAsync(world, topic);
        world.Saw("seen", string.Join(' ', world.Read(topic).Select(r => r.Message.Value)));
    }

    public static async Task TimedOutAsync(World world)
    {
        var (topic, id, wire) = (await world.TopicAsync("late"), world.Name("late"), world.Wire);
        var producer = await wire.InitProducerAsync(id, timeoutMs: 2000);
        world.Saw("begins", await wire.AddPartitionsAsync(id, producer, (topic, 0)));
        world.Saw("writes", await WriteAsync(world, topic, id, producer, 0));
        await StableAsync(world, topic);
        world.Saw("after its time", await wire.FetchAsync(topic, 0, true) with { Batches = "" });
        world.Saw("writes", await WriteAsync(world, topic, id, producer, 1));
        world.Saw("adds a partition", await wire.AddPartitionsAsync(id, producer, (topic, 0)));
        world.Saw("commits", await wire.EndAsync(id, producer, commit: true));
        world.Saw("aborts", await wire.EndAsync(id, producer, commit: false));
        var renewed = await wire.InitProducerAsync(id, 60_000, producer.Id, producer.Epoch);
        world.Saw("asks for a new epoch", Wire.Name(renewed.Code));
        var fresh = await wire.InitProducerAsync(id);
        world.Saw("begins anew", Wire.Name(fresh.Code));
        world.Saw("seen", world.Read(topic).Count);
    }

    public static async Task OffsetsAsync(World world)
    {
        var (topic, id, wire) = (await world.TopicAsync("sent"), world.Name("sent"), world.Wire);
        var (group, nobody) = (world.Name("sent-group"), Wire.Speaker.Nobody);
        var producer = await wire.InitProducerAsync(id);
        world.Saw("a plain commit", await wire.CommitAsync(group, nobody, topic, 1));
        foreach (var commit in (bool[])[false, true])
        {
            world.Saw("adds the group", await wire.AddOffsetsAsync(id, producer, group));
            world.Saw("sends an offset", await wire.CommitInTransactionAsync(id, producer, group, nobody, topic, 5));
            world.Saw("which does not count yet", await wire.CommittedAsync(group, topic));
            world.Saw("and is unstable", await wire.CommittedAsync(group, topic, requireStable: true));
            world.Saw(commit ? "commits" : "aborts", await wire.EndAsync(id, producer, commit));
            await Wait.UntilAsync(
                "the offset is stable",
                async () =>
                    (await wire.CommittedAsync(group, topic, true)).StartsWith("NoError", StringComparison.Ordinal)
            );
            world.Saw("which counts or not", await wire.CommittedAsync(group, topic));
        }
        var member = await wire.JoinAnewAsync(group);
        var speaker = new Wire.Speaker(member.MemberId, member.Generation);
        await wire.SyncAsync(group, speaker, (member.MemberId, "all"));
        world.Saw("adds the group", await wire.AddOffsetsAsync(id, producer, group));
        world.Saw("as a member", await wire.CommitInTransactionAsync(id, producer, group, speaker, topic, 6));
        world.Saw(
            "of a wrong generation",
            await wire.CommitInTransactionAsync(id, producer, group, speaker with { Generation = 9 }, topic, 7)
        );
        world.Saw(
            "as a stranger",
            await wire.CommitInTransactionAsync(id, producer, group, new Wire.Speaker("stranger", 1), topic, 7)
        );
        world.Saw("from outside", await wire.CommitInTransactionAsync(id, producer, group, nobody, topic, 8));
        world.Saw("delete the group", await wire.DeleteGroupAsync(group));
        world.Saw("commits", await wire.EndAsync(id, producer, commit: true));
        await Wait.UntilAsync(
            "the offset is stable",
            async () => (await wire.CommittedAsync(group, topic, true)).StartsWith("NoError", StringComparison.Ordinal)
        );
        world.Saw("committed", await wire.CommittedAsync(group, topic));
    }

    public static async Task WrongStatesAsync(World world)
    {
        var (topic, id, wire) = (await world.TopicAsync("states"), world.Name("states"), world.Wire);
        var producer = await wire.InitProducerAsync(id);
        world.Saw("commits nothing", await wire.EndAsync(id, producer, commit: true));
        world.Saw("writes without adding", await WriteAsync(world, topic, id, producer, 0));
        world.Saw(
            "adds what is not there",
            await wire.AddPartitionsAsync(id, producer, (topic, 0), (world.Name("none"), 0))
        );
        world.Saw("adds", await wire.AddPartitionsAsync(id, producer, (topic, 0)));
        world.Saw("adds again", await wire.AddPartitionsAsync(id, producer, (topic, 0)));
        world.Saw("writes", await WriteAsync(world, topic, id, producer, 0));
        world.Saw(
            "plain with the same producer id",
            await wire.ProduceAsync(
                topic,
                Batches.Of(1, producerId: producer.Id, epoch: producer.Epoch, baseSequence: 1)
            )
        );
        world.Saw("commits", await wire.EndAsync(id, producer, commit: true));
        await StableAsync(world, topic);
        world.Saw("commits again", await wire.EndAsync(id, producer, commit: true));
        world.Saw("aborts what is committed", await wire.EndAsync(id, producer, commit: false));
        world.Saw("writes after the end", await WriteAsync(world, topic, id, producer, 2));
        world.Saw(
            "offsets of a group it did not add",
            await wire.CommitInTransactionAsync(id, producer, world.Name("g"), Wire.Speaker.Nobody, topic, 1)
        );
        var wrongId = producer with { Id = producer.Id + 1_000_000 };
        world.Saw("a wrong producer id adds", await wire.AddPartitionsAsync(id, wrongId, (topic, 0)));
        world.Saw("a wrong producer id commits", await wire.EndAsync(id, wrongId, commit: true));
        var future = producer with { Epoch = (short)(producer.Epoch + 5) };
        world.Saw("a future epoch adds", await wire.AddPartitionsAsync(id, future, (topic, 0)));
        world.Saw("a future epoch commits", await wire.EndAsync(id, future, commit: true));
        world.Saw("an unknown id adds", await wire.AddPartitionsAsync(world.Name("none"), producer, (topic, 0)));
        world.Saw("an unknown id commits", await wire.EndAsync(world.Name("none"), producer, commit: true));
        world.Saw("no group id", await wire.AddOffsetsAsync(id, producer, ""));
    }

    public static async Task IdentitiesAsync(World world)
    {
        var wire = world.Wire;
        var plain = await wire.InitProducerAsync(null);
        world.Saw("idempotent", $"{Wire.Name(plain.Code)}, epoch {plain.Epoch}");
        world.Saw("idempotent again", (await wire.InitProducerAsync(null)).Id == plain.Id ? "the same" : "another");
        world.Saw("empty id", Wire.Name((await wire.InitProducerAsync("")).Code));
        foreach (var timeout in (int[])[0, -1, 1_000_000_000])
        {
            world.Saw(
                $"time-out {timeout}",
                Wire.Name((await wire.InitProducerAsync(world.Name("timeouts"), timeout)).Code)
            );
        }
        world.Saw(
            "a producer id without an epoch",
            Wire.Name((await wire.InitProducerAsync(world.Name("half"), 1000, 5, -1)).Code)
        );
        world.Saw(
            "an epoch without a producer id",
            Wire.Name((await wire.InitProducerAsync(world.Name("half"), 1000, -1, 5)).Code)
        );
        world.Saw(
            "a producer id that nobody gave",
            Wire.Name((await wire.InitProducerAsync(world.Name("given"), 1000, 987_654, 0)).Code)
        );
        var id = world.Name("again");
        var epochs = new List<short>();
        for (var i = 0; i < 3; i++)
        {
            epochs.Add((await wire.InitProducerAsync(id)).Epoch);
        }
        world.Saw("epochs", string.Join(' ', epochs));
    }

    private static Task<Wire.Produced> WriteAsync(
        World world,
        string topic,
        string id,
        Wire.ProducerIdentity producer,
        int sequence
    ) =>
        world.Wire.ProduceAsync(
            topic,
            Batches.Of(1, 1000, producer.Id, producer.Epoch, sequence, true),
            transactionalId: id
        );

    /// <summary>Apache Kafka writes the markers after it has answered: waits until no transaction is open.</summary>
    private static Task StableAsync(World world, string topic) =>
        Wait.UntilAsync(
            "all is decided",
            async () =>
            {
                var marks = await world.Wire.FetchAsync(topic, 0, committedOnly: true);
                return marks.HighWatermark == marks.LastStable;
            }
        );
}
