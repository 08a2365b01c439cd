using EventStream.Embedded.Broker.Groups;
using EventStream.Embedded.Broker.Protocol;

namespace EventStream.Embedded.Tests.Broker;

/// <summary>What groups keep over the end of the process, and when it goes.</summary>
public sealed class GroupKeepingTests : IDisposable
{
    private static readonly TopicPartition Read = new("read", 0);
    private static readonly TopicPartition Dropped = new("dropped", 0);
    private readonly CoordinatorFixture _fixture = new();

    private GroupCoordinator Groups => _fixture.Groups;

    private TimeSpan Retention => _fixture.Options.OffsetsRetention;

    [Fact]
    public async Task The_offsets_of_a_group_expire_from_when_its_last_member_left()
    {
        var member = await JoinAsync("g", "read");
        Commit("g", Read, Dropped);
        _fixture.Time.Turn(Retention * 2);
        Leave("g", member);
        Assert.Equal([Dropped, Read], Left("g"));
        _fixture.Time.Turn(Retention - TimeSpan.FromSeconds(1));
        _fixture.Reopen();
        Assert.Equal([Dropped, Read], Left("g"));
        _fixture.Time.Turn(TimeSpan.FromSeconds(1));
        Assert.Empty(Left("g"));
        Assert.Null(Groups.Find("g"));
        _fixture.Reopen();
        Assert.Empty(Groups.All);
    }

    [Fact]
    public async Task A_living_group_loses_only_the_old_offsets_of_topics_that_it_no_longer_reads()
    {
        await JoinAsync("g", "read");
        Commit("g", Read, Dropped);
        _fixture.Time.Turn(Retention - TimeSpan.FromSeconds(1));
        Assert.Equal([Dropped, Read], Left("g"));
        _fixture.Time.Turn(TimeSpan.FromSeconds(1));
        Assert.Equal([Read], Left("g"));
        Assert.NotNull(Groups.Find("g"));
    }

    [Fact]
    public void Offsets_of_a_group_that_never_had_members_expire_from_the_commit()
    {
        Groups.GetOrAdd("simple");
        Commit("simple", Read);
        _fixture.Time.Turn(Retention / 2);
        Commit("simple", Dropped);
        _fixture.Time.Turn(Retention / 2);
        Assert.Equal([Dropped], Left("simple"));
        _fixture.Time.Turn(Retention / 2);
        Assert.Empty(Left("simple"));
        Assert.Empty(Groups.All);
    }

    [Fact]
    public void An_offset_that_an_open_transaction_is_about_to_change_stays()
    {
        Groups.GetOrAdd("g");
        Commit("g", Read);
        Groups.Offsets.CommitPending("g", 7, [(Read, new CommittedOffset(9, -1, null, 0))]);
        _fixture.Time.Turn(Retention * 2);
        Assert.Equal([Read], Left("g"));
        Groups.Offsets.EndTransaction("g", 7, commit: true);
        Assert.Equal(9, Groups.Offsets.Find("g", Read).Offset?.Offset);
    }

    [Fact]
    public void The_journal_of_offsets_stays_small_however_often_they_are_committed()
    {
        for (var i = 0; i < 40_000; i++)
        {
            Groups.Offsets.Commit("g", [(new TopicPartition("read", i % 10), Offset(i))]);
        }
        Assert.True(new FileInfo(Path.Combine(_fixture.Folder, "offsets.journal")).Length < 1_200_000);
        _fixture.Reopen();
        Assert.Equal(39_999, Groups.Offsets.Find("g", new TopicPartition("read", 9)).Offset?.Offset);
    }

    [Fact]
    public async Task A_static_member_comes_back_to_its_assignment_after_the_broker_was_killed()
    {
        var member = await JoinAsync("g", "read", instance: "i-1");
        _fixture.Reopen();
        var group = Groups.Find("g")!;
        Assert.Equal(ErrorCode.None, group.Heartbeat(member.MemberId, "i-1", member.Generation));
        Assert.Equal([5, 5], (await group.Sync(member.MemberId, "i-1", member.Generation, NoAssignments)).Assignment);
        // Another process takes the place of the instance; the one before is fenced.
        var next = await Groups.JoinAsync("g", Request("read", "i-1", ""));
        Assert.Equal(ErrorCode.None, next.Error);
        Assert.NotEqual(member.MemberId, next.MemberId);
        Assert.Equal(ErrorCode.FencedInstanceId, group.Heartbeat(member.MemberId, "i-1", member.Generation));
        Assert.Equal(ErrorCode.FencedInstanceId, group.CheckCommit(member.MemberId, "i-1", member.Generation));
    }

    [Fact]
    public async Task A_generation_that_is_over_stays_over_after_the_broker_was_killed()
    {
        var first = await JoinAsync("g", "read");
        Leave("g", first);
        var second = await JoinAsync("g", "read");
        Assert.True(second.Generation > first.Generation);
        _fixture.Reopen();
        var group = Groups.Find("g")!;
        Assert.Equal(ErrorCode.UnknownMemberId, group.CheckCommit(first.MemberId, null, first.Generation));
        Assert.Equal(ErrorCode.IllegalGeneration, group.CheckCommit(second.MemberId, null, first.Generation));
        Assert.Equal(ErrorCode.None, group.CheckCommit(second.MemberId, null, second.Generation));
        // A group with members takes no commit from outside.
        Assert.Equal(ErrorCode.UnknownMemberId, group.CheckCommit("", null, -1));
    }

    private static readonly Dictionary<string, byte[]> NoAssignments = [];

    private static CommittedOffset Offset(long offset) => new(offset, -1, null, 0);

    private async Task<JoinResult> JoinAsync(string group, string topic, string? instance = null)
    {
        var joined = await Groups.JoinAsync(group, Request(topic, instance, ""));
        Assert.Equal(ErrorCode.None, joined.Error);
        var assignments = new Dictionary<string, byte[]> { [joined.MemberId] = [5, 5] };
        var synced = await Groups.Find(group)!.Sync(joined.MemberId, instance, joined.Generation, assignments);
        Assert.Equal(ErrorCode.None, synced.Error);
        return joined;
    }

    private static JoinRequest Request(string topic, string? instance, string memberId)
    {
        using var writer = new ResponseWriter();
        writer.WriteInt16(1);
        writer.WriteInt32(1);
        writer.WriteString(topic);
        writer.WriteInt32(-1);
        MemberProtocol[] protocols = [new("range", writer.Written.ToArray())];
        const int TimeoutMs = 600_000;
        return new JoinRequest(
            memberId,
            instance,
            "test",
            "/127.0.0.1",
            "consumer",
            protocols,
            TimeoutMs,
            TimeoutMs,
            false
        );
    }

    private void Leave(string group, JoinResult member) =>
        Assert.Equal(ErrorCode.None, Groups.Find(group)!.Leave(member.MemberId, null));

    private void Commit(string group, params TopicPartition[] partitions)
    {
        var nowMs = _fixture.Time.GetUtcNow().ToUnixTimeMilliseconds();
        Groups.Offsets.Commit(group, [.. partitions.Select(p => (p, Offset(3) with { CommittedMs = nowMs }))]);
    }

    /// <summary>The partitions whose offsets are left after expiry.</summary>
    private IEnumerable<TopicPartition> Left(string group)
    {
        Groups.Expire();
        return Groups.Offsets.PartitionsOf(group).OrderBy(p => p.Topic, StringComparer.Ordinal);
    }

    public void Dispose() => _fixture.Dispose();
}
