using EventStream.Embedded.Broker.Protocol;
using EventStream.Tests.Kit;

namespace EventStream.Embedded.Tests.Integration.Broker;

/// <summary>Members that do not belong to their group any more, as the protocol itself shows them.</summary>
[Trait("Category", "Integration")]
public sealed class GroupFencingTests(TestBroker broker) : IClassFixture<TestBroker>
{
    private readonly string _group = $"g-{Guid.NewGuid():N}";

    private sealed record Joined(ErrorCode Error, int Generation, string MemberId);

    [Fact]
    public async Task A_member_of_an_earlier_generation_can_neither_heartbeat_nor_commit()
    {
        var topic = await Clients.CreateTopicAsync(broker, partitions: 1);
        using var client = new RawClient(broker.Port);
        var member = await JoinAsync(client, instance: null);
        Assert.Equal(ErrorCode.None, await SyncAsync(client, member));
        Assert.Equal(ErrorCode.None, await HeartbeatAsync(client, member));
        Assert.Equal(ErrorCode.None, await CommitAsync(client, topic, member));
        var stale = member with { Generation = member.Generation - 1 };
        Assert.Equal(ErrorCode.IllegalGeneration, await HeartbeatAsync(client, stale));
        Assert.Equal(ErrorCode.IllegalGeneration, await CommitAsync(client, topic, stale));
        var stranger = member with { MemberId = "stranger" };
        Assert.Equal(ErrorCode.UnknownMemberId, await HeartbeatAsync(client, stranger));
        Assert.Equal(ErrorCode.UnknownMemberId, await CommitAsync(client, topic, stranger));
    }

    [Fact]
    public async Task A_static_member_is_fenced_when_another_takes_its_place()
    {
        var topic = await Clients.CreateTopicAsync(broker, partitions: 1);
        using var first = new RawClient(broker.Port);
        using var second = new RawClient(broker.Port);
        var earlier = await JoinAsync(first, "instance");
        Assert.Equal(ErrorCode.None, await SyncAsync(first, earlier));
        var later = await JoinAsync(second, "instance");
        Assert.NotEqual(earlier.MemberId, later.MemberId);
        Assert.Equal(ErrorCode.FencedInstanceId, await HeartbeatAsync(first, earlier, "instance"));
        Assert.Equal(ErrorCode.FencedInstanceId, await CommitAsync(first, topic, earlier, "instance"));
        Assert.Equal(ErrorCode.None, await SyncAsync(second, later));
        Assert.Equal(ErrorCode.None, await HeartbeatAsync(second, later, "instance"));
    }

    private async Task<Joined> JoinAsync(RawClient client, string? instance, string memberId = "")
    {
        var answer = await client.AskAsync(
            ApiKey.JoinGroup,
            5,
            w =>
            {
                w.WriteString(_group);
                w.WriteInt32(10_000);
                w.WriteInt32(10_000);
                w.WriteString(memberId);
                w.WriteString(instance);
                w.WriteString("consumer");
                w.WriteArrayLength(1);
                w.WriteString("range");
                w.WriteBytes([0, 0, 0, 0, 0, 0]);
            }
        );
        answer.ReadInt32();
        var (error, generation) = ((ErrorCode)answer.ReadInt16(), answer.ReadInt32());
        answer.ReadString();
        answer.ReadString();
        var joined = new Joined(error, generation, answer.ReadString());
        if (error == ErrorCode.MemberIdRequired)
            return await JoinAsync(client, instance, joined.MemberId);
        Assert.Equal(ErrorCode.None, error);
        return joined;
    }

    private async Task<ErrorCode> SyncAsync(RawClient client, Joined member) =>
        await ErrorAsync(
            client,
            ApiKey.SyncGroup,
            1,
            w =>
            {
                w.WriteString(_group);
                w.WriteInt32(member.Generation);
                w.WriteString(member.MemberId);
                w.WriteArrayLength(1);
                w.WriteString(member.MemberId);
                w.WriteBytes([1]);
            }
        );

    private async Task<ErrorCode> HeartbeatAsync(RawClient client, Joined member, string? instance = null) =>
        await ErrorAsync(
            client,
            ApiKey.Heartbeat,
            3,
            w =>
            {
                w.WriteString(_group);
                w.WriteInt32(member.Generation);
                w.WriteString(member.MemberId);
                w.WriteString(instance);
            }
        );

    private async Task<ErrorCode> CommitAsync(RawClient client, string topic, Joined member, string? instance = null)
    {
        var answer = await client.AskAsync(
            ApiKey.OffsetCommit,
            7,
            w =>
            {
                w.WriteString(_group);
                w.WriteInt32(member.Generation);
                w.WriteString(member.MemberId);
                w.WriteString(instance);
                w.WriteArrayLength(1);
                w.WriteString(topic);
                w.WriteArrayLength(1);
                w.WriteInt32(0);
                w.WriteInt64(1);
                w.WriteInt32(-1);
                w.WriteString("");
            }
        );
        answer.ReadInt32();
        Assert.Equal(1, answer.ReadArrayLength());
        Assert.Equal(topic, answer.ReadString());
        Assert.Equal(1, answer.ReadArrayLength());
        answer.ReadInt32();
        return (ErrorCode)answer.ReadInt16();
    }

    private static async Task<ErrorCode> ErrorAsync(
        RawClient client,
        ApiKey api,
        short version,
        Action<ResponseWriter> body
    )
    {
        var answer = await client.AskAsync(api, version, body);
        answer.ReadInt32();
        return (ErrorCode)answer.ReadInt16();
    }
}
