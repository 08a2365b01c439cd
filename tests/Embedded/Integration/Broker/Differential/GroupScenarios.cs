using EventStream.Tests.Kit;

namespace EventStream.Embedded.Tests.Integration.Broker.Differential;

/// <summary>Consumer groups, step by step: members, generations, offsets.</summary>
internal static class GroupScenarios
{
    public static async Task TwoMembersAsync(World world)
    {
        var (group, topic) = (world.Name("two"), await world.TopicAsync("two", 2));
        var (one, two) = (world.Wire, await world.ConnectAsync());
        var asked = await one.JoinAsync(group);
        world.Saw("first contact", asked);
        var first = await one.JoinAsync(group, asked.MemberId);
        world.Saw("the first joins", first);
        var speaker = new Wire.Speaker(first.MemberId, first.Generation);
        world.Saw("before its assignment", await one.HeartbeatAsync(group, speaker));
        world.Saw("commits before that", await one.CommitAsync(group, speaker, topic, 1));
        world.Saw("is assigned", await one.SyncAsync(group, speaker, (first.MemberId, "all")));
        world.Saw("asks again", await one.SyncAsync(group, speaker));
        world.Saw("lives", await one.HeartbeatAsync(group, speaker));
        world.Saw("described", await one.DescribeGroupAsync(group));
        var other = await two.JoinAsync(group);
        var joining = two.JoinAsync(group, other.MemberId);
        await Wait.UntilAsync(
            "the first hears of the second",
            async () => await one.HeartbeatAsync(group, speaker) == "RebalanceInProgress"
        );
        world.Saw("sync in a rebalance", await one.SyncAsync(group, speaker));
        world.Saw("commit in a rebalance", await one.CommitAsync(group, speaker, topic, 5));
        world.Saw("described in a rebalance", await one.DescribeGroupAsync(group));
        var again = await one.JoinAsync(group, first.MemberId);
        var second = await joining;
        world.Saw("the first joins again", again);
        world.Saw("the second joins", second);
        var (a, b) = (new Wire.Speaker(again.MemberId, again.Generation), new Wire.Speaker(second.MemberId, 2));
        var waiting = two.SyncAsync(group, b);
        world.Saw("the leader assigns", await one.SyncAsync(group, a, (a.MemberId, "one"), (b.MemberId, "two")));
        world.Saw("the follower is assigned", await waiting);
        world.Saw("commits", await two.CommitAsync(group, b, topic, 7));
        world.Saw("the old generation lives", await one.HeartbeatAsync(group, speaker));
        world.Saw("the old generation commits", await one.CommitAsync(group, speaker, topic, 8));
        world.Saw("the old generation syncs", await one.SyncAsync(group, speaker));
        world.Saw("the second leaves", await two.LeaveAsync(group, b.MemberId));
        world.Saw("and is gone", await two.HeartbeatAsync(group, b));
        world.Saw("and commits", await two.CommitAsync(group, b, topic, 9));
        world.Saw("the first hears of it", await one.HeartbeatAsync(group, a));
        world.Saw("the first leaves", await one.LeaveAsync(group, a.MemberId));
        world.Saw("described when empty", await one.DescribeGroupAsync(group));
        world.Saw("committed", await one.CommittedAsync(group, topic));
    }

    public static async Task ErrorsAsync(World world)
    {
        var (group, topic, wire) = (world.Name("err"), await world.TopicAsync("err"), world.Wire);
        world.Saw("no group id", await wire.JoinAsync(""));
        world.Saw("a member id nobody gave", await wire.JoinAsync(group, "stranger"));
        world.Saw("a session of no time", await wire.JoinAsync(group, sessionMs: 10));
        world.Saw("a session of a day", await wire.JoinAsync(group, sessionMs: 86_400_000));
        world.Saw("no protocols", await wire.JoinAsync(group, protocols: ""));
        world.Saw("no protocol type", await wire.JoinAsync(group, type: ""));
        var stranger = new Wire.Speaker("stranger", 1);
        world.Saw("heartbeat to an unknown group", await wire.HeartbeatAsync(group, stranger));
        world.Saw("sync to an unknown group", await wire.SyncAsync(group, stranger));
        world.Saw("leave an unknown group", await wire.LeaveAsync(group, "stranger"));
        world.Saw("commit to an unknown group", await wire.CommitAsync(group, stranger, topic, 1));
        var member = await wire.JoinAnewAsync(group);
        var speaker = new Wire.Speaker(member.MemberId, member.Generation);
        await wire.SyncAsync(group, speaker, (member.MemberId, "all"));
        world.Saw("a stranger's heartbeat", await wire.HeartbeatAsync(group, stranger));
        world.Saw("a stranger leaves", await wire.LeaveAsync(group, "stranger"));
        world.Saw("a stranger commits", await wire.CommitAsync(group, stranger, topic, 1));
        world.Saw("somebody from outside commits", await wire.CommitAsync(group, Wire.Speaker.Nobody, topic, 1));
        world.Saw("a future generation", await wire.HeartbeatAsync(group, speaker with { Generation = 9 }));
        world.Saw("the same joins again", await wire.JoinAsync(group, member.MemberId));
        world.Saw("an old client joins in one step", await OldJoinAsync(world, world.Name("err-old")));
    }

    public static async Task StaticMembersAsync(World world)
    {
        var (group, topic, wire) = (world.Name("static"), await world.TopicAsync("static"), world.Wire);
        var first = await wire.JoinAsync(group, instance: "i1");
        world.Saw("joins in one step", first);
        var old = new Wire.Speaker(first.MemberId, first.Generation, "i1");
        world.Saw("is assigned", await wire.SyncAsync(group, old, (first.MemberId, "all")));
        var second = await wire.JoinAsync(group, instance: "i1");
        world.Saw("comes back", $"{second}, {(second.MemberId == first.MemberId ? "the same" : "another")} member id");
        var current = new Wire.Speaker(second.MemberId, second.Generation, "i1");
        world.Saw("the old one's heartbeat", await wire.HeartbeatAsync(group, old));
        world.Saw("the old one commits", await wire.CommitAsync(group, old, topic, 1));
        world.Saw("the old one syncs", await wire.SyncAsync(group, old));
        world.Saw("the old one joins", await wire.JoinAsync(group, old.MemberId, "i1"));
        world.Saw("the old one leaves", await wire.LeaveAsync(group, old.MemberId, "i1"));
        world.Saw("the new one syncs", await wire.SyncAsync(group, current, (current.MemberId, "all")));
        world.Saw("the new one commits", await wire.CommitAsync(group, current, topic, 2));
        world.Saw("an unknown instance", await wire.HeartbeatAsync(group, current with { Instance = "i9" }));
        world.Saw("an unknown instance leaves", await wire.LeaveAsync(group, "", "i9"));
        world.Saw("an administrator removes it", await wire.LeaveAsync(group, "", "i1"));
        world.Saw("which is gone", await wire.HeartbeatAsync(group, current));
        world.Saw("described", await wire.DescribeGroupAsync(group));
    }

    public static async Task SilentMemberAsync(World world)
    {
        var (group, topic, wire) = (world.Name("silent"), await world.TopicAsync("silent"), world.Wire);
        var member = await wire.JoinAnewAsync(group, sessionMs: 2000);
        var speaker = new Wire.Speaker(member.MemberId, member.Generation);
        await wire.SyncAsync(group, speaker, (member.MemberId, "all"));
        world.Saw("commits", await wire.CommitAsync(group, speaker, topic, 3));
        await Wait.UntilAsync(
            "its session is over",
            async () => (await wire.DescribeGroupAsync(group)).Contains("Empty", StringComparison.Ordinal)
        );
        world.Saw("described", await wire.DescribeGroupAsync(group));
        world.Saw("its heartbeat", await wire.HeartbeatAsync(group, speaker));
        world.Saw("its commit", await wire.CommitAsync(group, speaker, topic, 4));
        world.Saw("it joins as before", await wire.JoinAsync(group, member.MemberId));
        var next = await wire.JoinAnewAsync(group);
        world.Saw("it joins anew", next);
        world.Saw("committed", await wire.CommittedAsync(group, topic));
    }

    public static async Task ProtocolsAsync(World world)
    {
        var (group, one, two) = (world.Name("protocols"), world.Wire, await world.ConnectAsync());
        var first = await one.JoinAnewAsync(group, "range,sticky");
        world.Saw("the first", first);
        var speaker = new Wire.Speaker(first.MemberId, 1);
        await one.SyncAsync(group, speaker, (first.MemberId, "all"));
        world.Saw("nothing in common", await two.JoinAsync(group, protocols: "roundrobin"));
        world.Saw("another type", await two.JoinAsync(group, protocols: "range", type: "connect"));
        var other = await two.JoinAsync(group, protocols: "sticky,roundrobin");
        var joining = two.JoinAsync(group, other.MemberId, protocols: "sticky,roundrobin");
        await Wait.UntilAsync(
            "the first hears of the second",
            async () => await one.HeartbeatAsync(group, speaker) == "RebalanceInProgress"
        );
        world.Saw("in common", await one.JoinAsync(group, first.MemberId, protocols: "range,sticky"));
        world.Saw("the second", await joining);
        world.Saw("described", await one.DescribeGroupAsync(group));
    }

    public static async Task OffsetsAsync(World world)
    {
        var (group, topic, wire) = (world.Name("offsets"), await world.TopicAsync("offsets", 2), world.Wire);
        var nobody = Wire.Speaker.Nobody;
        world.Saw("before any commit", await wire.CommittedAsync(group, topic));
        world.Saw("of no such topic", await wire.CommittedAsync(group, world.Name("none")));
        world.Saw("all of them", await wire.AllCommittedAsync(group));
        world.Saw("commit", await wire.CommitAsync(group, nobody, topic, 5, "note"));
        world.Saw("committed", await wire.CommittedAsync(group, topic));
        world.Saw("backwards", await wire.CommitAsync(group, nobody, topic, 2));
        world.Saw("committed then", await wire.CommittedAsync(group, topic));
        world.Saw("beyond the end", await wire.CommitAsync(group, nobody, topic, 999, partition: 1));
        world.Saw("a long note", await wire.CommitAsync(group, nobody, topic, 6, new string('n', 4096)));
        world.Saw("too long a note", await wire.CommitAsync(group, nobody, topic, 7, new string('n', 4097)));
        world.Saw("no such topic", await wire.CommitAsync(group, nobody, world.Name("none"), 1));
        world.Saw("no such partition", await wire.CommitAsync(group, nobody, topic, 1, partition: 9));
        world.Saw("a negative offset", await wire.CommitAsync(group, nobody, topic, -3, partition: 1));
        world.Saw("all of them now", await wire.AllCommittedAsync(group));
        world.Saw("no group id", await wire.CommitAsync("", nobody, topic, 1));
        world.Saw("deleted topic", await wire.DeleteTopicAsync(topic));
        await Wait.UntilAsync("the topic is gone", async () => (await wire.MetadataAsync(topic)).Code != 0);
        await Wait.UntilAsync(
            "its offsets are gone",
            async () => (await wire.AllCommittedAsync(group)).EndsWith("[]", StringComparison.Ordinal)
        );
        world.Saw("all that are left", await wire.AllCommittedAsync(group));
    }

    public static async Task DeletedAsync(World world)
    {
        var (group, topic, wire) = (world.Name("deleted"), await world.TopicAsync("deleted"), world.Wire);
        world.Saw("unknown", await wire.DescribeGroupAsync(group));
        world.Saw("delete what is unknown", await wire.DeleteGroupAsync(group));
        var member = await wire.JoinAnewAsync(group);
        var speaker = new Wire.Speaker(member.MemberId, member.Generation);
        await wire.SyncAsync(group, speaker, (member.MemberId, "all"));
        await wire.CommitAsync(group, speaker, topic, 3);
        world.Saw("delete with a member", await wire.DeleteGroupAsync(group));
        await wire.LeaveAsync(group, member.MemberId);
        world.Saw("delete when empty", await wire.DeleteGroupAsync(group));
        world.Saw("delete again", await wire.DeleteGroupAsync(group));
        world.Saw("described", await wire.DescribeGroupAsync(group));
        world.Saw("its offsets", await wire.CommittedAsync(group, topic));
        world.Saw("its member", await wire.HeartbeatAsync(group, speaker));
        world.Saw("begins anew", await wire.JoinAnewAsync(group));
    }

    private static async Task<string> OldJoinAsync(World world, string group) =>
        $"{await world.Wire.JoinAsync(group, version: 3)}";
}
