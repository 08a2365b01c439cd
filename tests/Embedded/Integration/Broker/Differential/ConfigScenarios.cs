using EventStream.Tests.Kit;

namespace EventStream.Embedded.Tests.Integration.Broker.Differential;

/// <summary>Configurations of topics: described, altered and refused.</summary>
internal static class ConfigScenarios
{
    public static async Task DescribedAsync(World world)
    {
        var topic = await world.TopicAsync("described", 1, ("retention.ms", "1234567"), ("cleanup.policy", "compact"));
        var (error, entries) = await world.Wire.DescribeConfigsAsync(topic);
        world.Saw("all", error);
        foreach (var (name, value) in entries)
        {
            world.Saw(name, value);
        }
        var some = await world.Wire.DescribeConfigsAsync(topic, "retention.ms", "no.such");
        world.Saw("by name", $"{some.Error} [{string.Join(", ", some.Entries.Keys)}]");
        world.Saw("no such topic", (await world.Wire.DescribeConfigsAsync(world.Name("none"))).Error);
    }

    public static async Task AlteredAsync(World world)
    {
        var topic = await world.PlainTopicAsync("altered");
        var marks = 0;
        async Task Alter(string what, string name, string? value, byte operation)
        {
            var outcome = await world.Wire.AlterConfigAsync(topic, name, value, operation);
            await UntilAppliedAsync(world, topic, $"{1000 + marks++}");
            var now = (await world.Wire.DescribeConfigsAsync(topic, name)).Entries.GetValueOrDefault(name, "absent");
            world.Saw(what, $"{outcome}, now {now}");
        }
        await Alter("set", "retention.ms", "60000", 0);
        await Alter("set again", "retention.ms", "70000", 0);
        await Alter("delete", "retention.ms", null, 1);
        await Alter("delete what is not set", "retention.ms", null, 1);
        await Alter("append to a list", "cleanup.policy", "compact", 2);
        await Alter("append what is there", "cleanup.policy", "compact", 2);
        await Alter("subtract from a list", "cleanup.policy", "delete", 3);
        await Alter("append to no list", "retention.ms", "5", 2);
        await Alter("an unknown operation", "retention.ms", "5", 9);
        world.Saw("only validated", await world.Wire.AlterConfigAsync(topic, "retention.ms", "99", validateOnly: true));
        await Alter("is not set by that", "segment.ms", "5000", 0);
        world.Saw(
            "retention.ms",
            (await world.Wire.DescribeConfigsAsync(topic, "retention.ms"))
                .Entries["retention.ms"]
                .Contains("set on", StringComparison.Ordinal)
        );
    }

    /// <summary>
    /// Apache Kafka applies a change a moment after it has acknowledged it, and changes in their order: once a later
    /// one is seen, the one before is too.
    /// </summary>
    private static async Task UntilAppliedAsync(World world, string topic, string mark)
    {
        const string Marked = "delete.retention.ms";
        Assert.Equal("NoError", await world.Wire.AlterConfigAsync(topic, Marked, mark));
        await Wait.UntilAsync(
            "the change is applied",
            async () =>
                (await world.Wire.DescribeConfigsAsync(topic, Marked))
                    .Entries[Marked]
                    .StartsWith(mark + " ", StringComparison.Ordinal)
        );
    }

    public static async Task RefusedAsync(World world)
    {
        var topic = await world.PlainTopicAsync("refused");
        foreach (
            var (name, value) in new (string, string?)[]
            {
                ("no.such.config", "1"),
                ("retention.ms", "soon"),
                ("retention.ms", "-2"),
                ("retention.ms", null),
                ("cleanup.policy", "vacuum"),
                ("cleanup.policy", ""),
                ("compression.type", "brotli"),
                ("message.timestamp.type", "Never"),
                ("min.cleanable.dirty.ratio", "1.5"),
                ("segment.ms", "0"),
                ("max.message.bytes", "-1"),
                ("min.insync.replicas", "0"),
                ("unclean.leader.election.enable", "maybe"),
                ("delete.retention.ms", "-1"),
            }
        )
        {
            world.Saw($"{name}={value ?? "null"}", await world.Wire.AlterConfigAsync(topic, name, value));
        }
        world.Saw("no such topic", await world.Wire.AlterConfigAsync(world.Name("none"), "retention.ms", "1"));
        world.Saw("an unknown resource", await world.Wire.AlterConfigAsync(topic, "retention.ms", "1", resource: 77));
        world.Saw(
            "as before",
            (await world.Wire.DescribeConfigsAsync(topic)).Entries.Count(entry =>
                entry.Value.Contains("set on", StringComparison.Ordinal)
            )
        );
    }
}
