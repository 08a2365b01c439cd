using EventStream.Embedded.Broker.Log;
using EventStream.Embedded.Broker.Protocol;

namespace EventStream.Embedded.Broker.Groups;

/// <summary>
/// A generation is on disk before its members receive their assignments, so that after a restart of the broker they
/// go on heartbeating and committing as if nothing had happened. Their sessions start again then.
/// </summary>
internal sealed partial class Group
{
    /// <summary>Takes over what <see cref="Save"/> wrote.</summary>
    public void Restore(byte[] value)
    {
        var reader = new RequestReader();
        reader.Reset(value, 0, value.Length);
        lock (_gate)
        {
            _generation = reader.ReadInt32();
            ProtocolType = reader.ReadNullableString();
            _protocolName = reader.ReadNullableString();
            _leader = reader.ReadNullableString();
            for (var count = reader.ReadInt32(); count > 0; count--)
            {
                var member = ReadMember(reader);
                _members.Add(member.MemberId, member);
                if (member.InstanceId is { } instance)
                {
                    _memberOfInstance[instance] = member.MemberId;
                }
                Touch(member);
            }
            State = _members.Count > 0 ? GroupState.Stable : GroupState.Empty;
            _emptySinceMs = reader.Remaining >= sizeof(long) ? reader.ReadInt64() : WallMs();
            SetTimer();
        }
    }

    private void Save()
    {
        using var writer = new ResponseWriter();
        writer.WriteInt32(_generation);
        writer.WriteString(ProtocolType);
        writer.WriteString(_protocolName);
        writer.WriteString(_leader);
        writer.WriteInt32(_members.Count);
        foreach (var member in _members.Values)
        {
            WriteMember(writer, member);
        }
        writer.WriteInt64(_emptySinceMs);
        try
        {
            _journal.Put(new JournalEntry(Id, writer.Written.ToArray()));
        }
        catch (IOException e)
        {
            // The members can go on; only after a restart of the broker do they have to join again.
            BrokerLog.UpkeepFailed(_logger, e, "group " + Id);
        }
    }

    private static void WriteMember(ResponseWriter writer, GroupMember member)
    {
        writer.WriteString(member.MemberId);
        writer.WriteString(member.InstanceId);
        writer.WriteString(member.ClientId);
        writer.WriteString(member.ClientHost);
        writer.WriteInt32(member.SessionTimeoutMs);
        writer.WriteInt32(member.RebalanceTimeoutMs);
        writer.WriteBytes(member.Assignment);
        writer.WriteInt32(member.Protocols.Count);
        foreach (var protocol in member.Protocols)
        {
            writer.WriteString(protocol.Name);
            writer.WriteBytes(protocol.Metadata);
        }
    }

    private GroupMember ReadMember(RequestReader reader)
    {
        var memberId = reader.ReadString();
        var instanceId = reader.ReadNullableString();
        var (clientId, clientHost) = (reader.ReadString(), reader.ReadString());
        var (sessionMs, rebalanceMs) = (reader.ReadInt32(), reader.ReadInt32());
        var assignment = reader.ReadBytes();
        var protocols = new List<MemberProtocol>();
        for (var count = reader.ReadInt32(); count > 0; count--)
        {
            protocols.Add(new MemberProtocol(reader.ReadString(), reader.ReadBytes()));
        }
        var request = new JoinRequest(
            memberId,
            instanceId,
            clientId,
            clientHost,
            ProtocolType ?? "",
            protocols,
            sessionMs,
            rebalanceMs,
            false
        );
        return new GroupMember(memberId, request) { Assignment = assignment };
    }
}
