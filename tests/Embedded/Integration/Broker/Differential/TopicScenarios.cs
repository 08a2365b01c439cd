using EventStream.Embedded.Tests.Broker;
using EventStream.Tests.Kit;

namespace EventStream.Embedded.Tests.Integration.Broker.Differential;

/// <summary>Topics created, deleted, created again, grown, and refused.</summary>
internal static class TopicScenarios
{
    public static async Task LifeAsync(World world)
    {
        var topic = await world.TopicAsync("life", 2);
        var first = await world.Wire.MetadataAsync(topic);
        world.Saw("metadata", $"{Wire.Name(first.Code)}, {first.Partitions} partitions");
        world.Saw("a record", await world.Wire.ProduceAsync(topic, Batches.Of(3)));
        world.Saw("created again", await world.Wire.CreateTopicAsync(topic));
        world.Saw("deleted", await world.Wire.DeleteTopicAsync(topic));
        await Wait.UntilAsync("the topic is gone", async () => (await world.Wire.MetadataAsync(topic)).Code != 0);
        world.Saw("metadata of what is gone", Wire.Name((await world.Wire.MetadataAsync(topic)).Code));
        world.Saw("deleted again", await world.Wire.DeleteTopicAsync(topic));
        await world.TopicAsync("life", 1);
        var second = await world.Wire.MetadataAsync(topic);
        world.Saw(
            "made again",
            $"{second.Partitions} partitions, " + $"{(first.Id == second.Id ? "the same" : "another")} id"
        );
        world.Saw("which is empty", await world.Wire.FetchAsync(topic, 0));
        world.Saw("a first record", await world.Wire.ProduceAsync(topic, Batches.Of(1)));
        world.Saw("asked for but not created", Wire.Name((await world.Wire.MetadataAsync(world.Name("none"))).Code));
    }

    public static async Task RefusedAsync(World world)
    {
        async Task Try(string what, Task<string> outcome) => world.Saw(what, await outcome);
        var wire = world.Wire;
        foreach (var name in (string[])[".", "..", "", "with space", "sl/ash", "ünï", new string('x', 250)])
        {
            await Try($"named '{(name.Length > 20 ? "250 characters" : name)}'", wire.CreateTopicAsync(name));
        }
        await Try("249 characters", wire.CreateTopicAsync(world.Name(new string('y', 236)), validateOnly: true));
        await Try("no partitions", wire.CreateTopicAsync(world.Name("p0"), partitions: 0));
        await Try("-2 partitions", wire.CreateTopicAsync(world.Name("p-2"), partitions: -2));
        await Try("partitions by default", wire.CreateTopicAsync(world.Name("p-1"), partitions: -1));
        await Try("no replicas", wire.CreateTopicAsync(world.Name("r0"), replicas: 0));
        await Try("two replicas", wire.CreateTopicAsync(world.Name("r2"), replicas: 2));
        await Try("replicas by default", wire.CreateTopicAsync(world.Name("r-1"), replicas: -1));
        await Try("assigned", wire.CreateTopicAsync(world.Name("a1"), -1, -1, assignedTo: [1]));
        await Try("assigned to nobody", wire.CreateTopicAsync(world.Name("a9"), -1, -1, assignedTo: [9]));
        await Try("assigned and counted", wire.CreateTopicAsync(world.Name("a2"), 1, 1, assignedTo: [1]));
        await Try("unknown config", wire.CreateTopicAsync(world.Name("c1"), configs: ("no.such", "1")));
        await Try("wrong config", wire.CreateTopicAsync(world.Name("c2"), configs: ("retention.ms", "soon")));
        await Try("config out of range", wire.CreateTopicAsync(world.Name("c3"), configs: ("segment.ms", "0")));
        await Try("null config", wire.CreateTopicAsync(world.Name("c4"), configs: ("retention.ms", null)));
        await Try("only validated", wire.CreateTopicAsync(world.Name("v"), 3, validateOnly: true));
        world.Saw("and so not made", Wire.Name((await wire.MetadataAsync(world.Name("v"))).Code));
        await Try("twice in one request", wire.CreateTwiceAsync(world.Name("twice")));
        await Try("names that collide", CollideAsync(world));
    }

    public static async Task GrowthAsync(World world)
    {
        var topic = await world.TopicAsync("growth", 2);
        await world.Wire.ProduceAsync(topic, Batches.Of(2));
        foreach (var total in (int[])[2, 1, 0, -1])
        {
            world.Saw($"to {total}", await world.Wire.CreatePartitionsAsync(topic, total));
        }
        world.Saw("to 4, only validated", await world.Wire.CreatePartitionsAsync(topic, 4, validateOnly: true));
        world.Saw("still", (await world.Wire.MetadataAsync(topic)).Partitions);
        world.Saw("to 4", await world.Wire.CreatePartitionsAsync(topic, 4));
        await world.UntilUsableAsync(topic, 4);
        world.Saw("now", (await world.Wire.MetadataAsync(topic)).Partitions);
        world.Saw("a record in the new one", await world.Wire.ProduceAsync(topic, Batches.Of(1), partition: 3));
        world.Saw("the old one as before", await world.Wire.FetchAsync(topic, 0));
        world.Saw("no such topic", await world.Wire.CreatePartitionsAsync(world.Name("none"), 2));
    }

    /// <summary>A dot and an underscore are one in the names of metrics.</summary>
    private static async Task<string> CollideAsync(World world)
    {
        await world.TopicAsync("col.lide");
        return await world.Wire.CreateTopicAsync(world.Name("col_lide"));
    }
}
