namespace EventStream.EventStore;

/// <summary>Where a stream is in its life.</summary>
public enum StreamLife
{
    /// <summary>It takes appends.</summary>
    Active = 0,

    /// <summary>It is put away, and can be restored.</summary>
    Archived = 1,

    /// <summary>It is ended for ever, and says nothing any more.</summary>
    Tombstoned = 2,
}

/// <summary>
/// What is known of a stream besides its events. Version is that of its last event; updated is when it last changed.
/// </summary>
public sealed record StreamState(
    string Stream, long Version, DateTimeOffset CreatedAt, DateTimeOffset UpdatedAt, StreamLife Life)
{
    /// <summary>The type of the stream: its category, what stands before the first hyphen of its name.</summary>
    public string Type => Stream.IndexOf('-') is var hyphen and > 0 ? Stream[..hyphen] : Stream;
}

/// <summary>Which events of a stream are wanted; both ends belong to it.</summary>
public sealed record StreamRange
{
    /// <summary>Every event of a stream that is not archived.</summary>
    public static readonly StreamRange All = new();

    public long FromVersion { get; init; } = 1;

    public long ToVersion { get; init; } = long.MaxValue;

    /// <summary>The last moment of recording, where only what had happened by then is wanted.</summary>
    public DateTimeOffset? ToTime { get; init; }

    /// <summary>Whether an archived stream is read too.</summary>
    public bool IncludeArchived { get; init; }

    /// <summary>From a version on.</summary>
    public static StreamRange From(long version) => new() { FromVersion = version };
}
