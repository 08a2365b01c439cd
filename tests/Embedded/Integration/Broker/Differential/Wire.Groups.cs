using System.Text;
using EventStream.Embedded.Broker.Protocol;

namespace EventStream.Embedded.Tests.Integration.Broker.Differential;

internal sealed partial class Wire
{
    /// <summary>An answer to JoinGroup; the members are known to the leader only.</summary>
    public sealed record Joined(
        short Code,
        int Generation,
        string Protocol,
        string Leader,
        string MemberId,
        IReadOnlyList<string> Members
    )
    {
        public override string ToString() =>
            Code == 0
                ? $"generation {Generation}, protocol {Protocol}, {(Leader == MemberId ? "leader" : "follower")}, "
                    + $"{Members.Count} members told"
                : $"{Name(Code)}, generation {Generation}, member id {(MemberId.Length > 0 ? "given" : "none")}";
    }

    /// <summary>Who speaks to a group coordinator: a member id, a generation and perhaps an instance id.</summary>
    public readonly record struct Speaker(string MemberId, int Generation, string? Instance = null)
    {
        public static readonly Speaker Nobody = new("", -1);
    }

    /// <summary>What a coordinator is asked for; the numbers are the protocol's.</summary>
    public enum CoordinatorOf : byte
    {
        Group = 0,
        Transaction = 1,
    }

    /// <summary>Looks for a coordinator until there is one, and returns the name of the error.</summary>
    public async Task<string> FindCoordinatorAsync(CoordinatorOf what) =>
        Name(
            await PatientlyAsync(
                async () =>
                {
                    var answer = await AskAsync(
                        ApiKey.FindCoordinator,
                        2,
                        false,
                        w =>
                        {
                            w.WriteString("anyone");
                            w.WriteByte((byte)what);
                        }
                    );
                    answer.ReadInt32();
                    return answer.ReadInt16();
                },
                code => code
            )
        );

    public Task<Joined> JoinAsync(
        string group,
        string memberId = "",
        string? instance = null,
        string protocols = "range",
        string type = "consumer",
        int sessionMs = 10_000,
        int rebalanceMs = 10_000,
        short version = 5
    ) =>
        PatientlyAsync(
            async () =>
            {
                var answer = await AskAsync(
                    ApiKey.JoinGroup,
                    version,
                    false,
                    w =>
                    {
                        w.WriteString(group);
                        w.WriteInt32(sessionMs);
                        w.WriteInt32(rebalanceMs);
                        w.WriteString(memberId);
                        if (version >= 5)
                        {
                            w.WriteString(instance);
                        }
                        w.WriteString(type);
                        WriteProtocols(w, protocols);
                    }
                );
                answer.ReadInt32();
                var (code, generation) = (answer.ReadInt16(), answer.ReadInt32());
                var (protocol, leader, member) = (answer.ReadString(), answer.ReadString(), answer.ReadString());
                return new Joined(code, generation, protocol, leader, member, ReadMembers(answer, version));
            },
            joined => joined.Code
        );

    /// <summary>Joins as a newcomer, in two steps, as a client of today does.</summary>
    public async Task<Joined> JoinAnewAsync(string group, string protocols = "range", int sessionMs = 10_000)
    {
        var first = await JoinAsync(group, protocols: protocols, sessionMs: sessionMs);
        return await JoinAsync(group, first.MemberId, protocols: protocols, sessionMs: sessionMs);
    }

    /// <summary>Hands in assignments, or none, and returns one's own.</summary>
    public async Task<string> SyncAsync(string group, Speaker who, params (string Member, string Assignment)[] all)
    {
        var answer = await AskAsync(
            ApiKey.SyncGroup,
            3,
            false,
            w =>
            {
                WriteSpeaker(w, group, who);
                w.WriteArrayLength(all.Length);
                foreach (var (member, assignment) in all)
                {
                    w.WriteString(member);
                    w.WriteBytes(Encoding.UTF8.GetBytes(assignment));
                }
            }
        );
        answer.ReadInt32();
        var code = answer.ReadInt16();
        return $"{Name(code)}, assignment '{Encoding.UTF8.GetString(answer.ReadBytes())}'";
    }

    public async Task<string> HeartbeatAsync(string group, Speaker who)
    {
        var answer = await AskAsync(ApiKey.Heartbeat, 3, false, w => WriteSpeaker(w, group, who));
        answer.ReadInt32();
        return Name(answer.ReadInt16());
    }

    public async Task<string> LeaveAsync(string group, string memberId, string? instance = null)
    {
        var answer = await AskAsync(
            ApiKey.LeaveGroup,
            3,
            false,
            w =>
            {
                w.WriteString(group);
                w.WriteArrayLength(1);
                w.WriteString(memberId);
                w.WriteString(instance);
            }
        );
        answer.ReadInt32();
        var whole = answer.ReadInt16();
        if (answer.ReadArrayLength() == 0)
        {
            return Name(whole);
        }
        answer.ReadString();
        answer.ReadNullableString();
        return $"{Name(whole)}, member {Name(answer.ReadInt16())}";
    }

    /// <summary>Commits one offset and returns the name of the error.</summary>
    public async Task<string> CommitAsync(
        string group,
        Speaker who,
        string topic,
        long offset,
        string? metadata = null,
        int partition = 0
    ) =>
        Name(
            await PatientlyAsync(
                async () =>
                {
                    var answer = await AskAsync(
                        ApiKey.OffsetCommit,
                        7,
                        false,
                        w =>
                        {
                            WriteSpeaker(w, group, who);
                            WriteOffset(w, topic, partition, offset, metadata);
                        }
                    );
                    answer.ReadInt32();
                    return ReadOnePartition(answer);
                },
                code => code
            )
        );

    /// <summary>The committed offset of one partition, with what the group said of it.</summary>
    public async Task<string> CommittedAsync(string group, string topic, bool requireStable = false, int partition = 0)
    {
        var (code, all) = await OffsetsAsync(group, requireStable, topic, partition);
        return all.Count == 1 ? all[0].Text : Name(code);
    }

    /// <summary>Every partition for which the group has committed.</summary>
    public async Task<string> AllCommittedAsync(string group)
    {
        var (code, all) = await OffsetsAsync(group, requireStable: false, topic: null, partition: 0);
        return $"{Name(code)} [{string.Join("; ", all.Select(o => $"{o.Partition}: {o.Text}").Order())}]";
    }

    private Task<(short Code, List<(string Partition, string Text)> Offsets)> OffsetsAsync(
        string group,
        bool requireStable,
        string? topic,
        int partition
    ) =>
        PatientlyAsync(
            async () =>
            {
                var answer = await AskAsync(
                    ApiKey.OffsetFetch,
                    7,
                    true,
                    w =>
                    {
                        w.WriteString(group);
                        w.WriteArrayLength(topic is null ? -1 : 1);
                        if (topic is not null)
                        {
                            w.WriteString(topic);
                            w.WriteInt32Array([partition]);
                            w.WriteTags();
                        }
                        w.WriteBoolean(requireStable);
                    }
                );
                answer.ReadInt32();
                var found = ReadOffsets(answer);
                return (answer.ReadInt16(), found);
            },
            answer => answer.Item1
        );

    /// <summary>Deletes a group and returns the name of the error.</summary>
    public async Task<string> DeleteGroupAsync(string group)
    {
        var answer = await AskAsync(
            ApiKey.DeleteGroups,
            1,
            false,
            w =>
            {
                w.WriteArrayLength(1);
                w.WriteString(group);
            }
        );
        answer.ReadInt32();
        Assert.Equal(1, answer.ReadArrayLength());
        answer.ReadString();
        return Name(answer.ReadInt16());
    }

    /// <summary>State, protocol and the number of members of a group.</summary>
    public async Task<string> DescribeGroupAsync(string group)
    {
        var answer = await AskAsync(
            ApiKey.DescribeGroups,
            4,
            false,
            w =>
            {
                w.WriteArrayLength(1);
                w.WriteString(group);
                w.WriteBoolean(false);
            }
        );
        answer.ReadInt32();
        Assert.Equal(1, answer.ReadArrayLength());
        var code = answer.ReadInt16();
        answer.ReadString();
        var (state, type, protocol) = (answer.ReadString(), answer.ReadString(), answer.ReadString());
        return $"{Name(code)}, {state}, type '{type}', protocol '{protocol}', {answer.ReadArrayLength()} members";
    }

    private static void WriteSpeaker(ResponseWriter w, string group, Speaker who)
    {
        w.WriteString(group);
        w.WriteInt32(who.Generation);
        w.WriteString(who.MemberId);
        w.WriteString(who.Instance);
    }

    private static void WriteProtocols(ResponseWriter w, string protocols)
    {
        var names = protocols.Split(',', StringSplitOptions.RemoveEmptyEntries);
        w.WriteArrayLength(names.Length);
        foreach (var name in names)
        {
            w.WriteString(name);
            w.WriteBytes([1, 2, 3]);
        }
    }

    private static void WriteOffset(ResponseWriter w, string topic, int partition, long offset, string? metadata)
    {
        w.WriteArrayLength(1);
        w.WriteString(topic);
        w.WriteArrayLength(1);
        w.WriteInt32(partition);
        w.WriteInt64(offset);
        w.WriteInt32(-1);
        w.WriteString(metadata);
        w.WriteTags();
        w.WriteTags();
    }

    /// <summary>The error of the only partition of the only topic.</summary>
    private static short ReadOnePartition(RequestReader answer)
    {
        Assert.Equal(1, answer.ReadArrayLength());
        answer.ReadString();
        Assert.Equal(1, answer.ReadArrayLength());
        answer.ReadInt32();
        return answer.ReadInt16();
    }

    private static List<(string Partition, string Text)> ReadOffsets(RequestReader answer)
    {
        var found = new List<(string, string)>();
        for (var topics = answer.ReadArrayLength(); topics > 0; topics--)
        {
            var topic = answer.ReadString();
            for (var partitions = answer.ReadArrayLength(); partitions > 0; partitions--)
            {
                var (index, offset) = (answer.ReadInt32(), answer.ReadInt64());
                answer.ReadInt32();
                var note = answer.ReadNullableString() is { } metadata ? $"note of {metadata.Length}" : "no note";
                found.Add(($"{topic}-{index}", $"{Name(answer.ReadInt16())}, offset {offset}, {note}"));
                answer.SkipTags();
            }
            answer.SkipTags();
        }
        return found;
    }

    private static List<string> ReadMembers(RequestReader answer, short version)
    {
        var members = new List<string>();
        for (var count = answer.ReadArrayLength(); count > 0; count--)
        {
            members.Add(answer.ReadString());
            if (version >= 5)
            {
                answer.ReadNullableString();
            }
            answer.ReadBytes();
        }
        return members;
    }
}
