using EventStream.Embedded.Broker.Protocol;

namespace EventStream.Embedded.Broker.Groups;

/// <summary>
/// When the offsets of a group may go (KIP-211): a while after the last member left; for offsets that were committed
/// without a group ever having had members, a while after the commit; and while the group lives, the same for topics
/// that its members no longer subscribe to.
/// </summary>
internal sealed partial class Group
{
    private const string ConsumerProtocol = "consumer";
    private long _emptySinceMs;

    /// <summary>Whether nobody is in the group or about to be, so that it may go with its last offset.</summary>
    public bool IsIdle
    {
        get
        {
            lock (_gate)
            {
                return State == GroupState.Empty && _members.Count == 0 && _promisedIds.Count == 0;
            }
        }
    }

    /// <summary>
    /// Whether an offset of a topic that was committed at that time, in milliseconds since 1970, may go.
    /// </summary>
    public bool IsExpired(string topic, long committedMs)
    {
        lock (_gate)
        {
            var expiresMs = WallMs() - (long)_options.OffsetsRetention.TotalMilliseconds;
            return State switch
            {
                GroupState.Empty => Math.Max(_emptySinceMs, committedMs) <= expiresMs,
                GroupState.Stable when ProtocolType == ConsumerProtocol => committedMs <= expiresMs
                    && IsUnsubscribed(topic),
                _ => false,
            };
        }
    }

    /// <summary>False also when a member's subscription cannot be read.</summary>
    private bool IsUnsubscribed(string topic) =>
        _members.Values.All(m => TopicsOf(m.MetadataFor(_protocolName)) is { } topics && !topics.Contains(topic));

    /// <summary>A consumer's metadata begins with a version and the names of its topics.</summary>
    private static string[]? TopicsOf(byte[] metadata)
    {
        var reader = new RequestReader();
        reader.Reset(metadata, 0, metadata.Length);
        try
        {
            reader.ReadInt16();
            return reader.ReadStringArray();
        }
        catch (MalformedRequestException)
        {
            return null;
        }
    }

    private long WallMs() => _options.Time.GetUtcNow().ToUnixTimeMilliseconds();
}
