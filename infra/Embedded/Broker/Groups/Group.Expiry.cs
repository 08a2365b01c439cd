namespace EventStream.Embedded.Broker.Groups;

/// <summary>
/// When the offsets of a group may go (KIP-211): a while after the last member left; for offsets that were committed
/// without a group ever having had members, a while after the commit; and while the group lives, the same for topics
/// that its members no longer subscribe to.
/// </summary>
internal sealed partial class Group
{
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
    private bool IsUnsubscribed(string topic)
    {
        var topics = new HashSet<string>(StringComparer.Ordinal);
        return _members.Values.All(member => TryAddTopics(member.MetadataFor(_protocolName), topics))
            && !topics.Contains(topic);
    }

    private long WallMs() => _options.Time.GetUtcNow().ToUnixTimeMilliseconds();
}
