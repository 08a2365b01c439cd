using EventStream.Embedded.Broker.Protocol;

namespace EventStream.Embedded.Broker.Groups;

internal sealed partial class Group
{
    private const string ConsumerProtocol = "consumer";

    /// <summary>
    /// The topics that the members are subscribed to, none when there are no members. False when the members do not
    /// use the consumers' protocol, so that it is unknown.
    /// </summary>
    public bool TryListSubscribedTopics(out IReadOnlySet<string> topics)
    {
        var found = new HashSet<string>(StringComparer.Ordinal);
        topics = found;
        lock (_gate)
        {
            if (_members.Count > 0 && ProtocolType != ConsumerProtocol)
            {
                return false;
            }
            foreach (var member in _members.Values)
            {
                foreach (var protocol in member.Protocols)
                {
                    if (!TryAddTopics(protocol.Metadata, found))
                    {
                        return false;
                    }
                }
            }
            return true;
        }
    }

    /// <summary>A consumer's metadata begins with a version and the names of its topics.</summary>
    private static bool TryAddTopics(byte[] metadata, HashSet<string> topics)
    {
        var reader = new RequestReader();
        reader.Reset(metadata, 0, metadata.Length);
        try
        {
            reader.ReadInt16();
            topics.UnionWith(reader.ReadStringArray());
            return true;
        }
        catch (MalformedRequestException)
        {
            return false;
        }
    }
}
