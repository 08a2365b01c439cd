using System.Text.Json.Serialization;
using EventStream.Contracts;

namespace EventStream.EventStore;

/// <summary>
/// Streams of events, the truth about videos and jobs. A stream is named <c>category-id</c>, such as
/// <c>video-0190...</c>; its events are numbered 1, 2, 3 ... (version) and every event of the store has a growing
/// position. Nothing is changed or removed.
/// </summary>
public interface IEventStore
{
    /// <summary>
    /// Appends events in one transaction. An append whose event ids are all in the stream already changes nothing and
    /// returns where they are. Throws <see cref="WrongExpectedVersionException"/> when the stream has another version
    /// than expected and <see cref="DuplicateEventException"/> when some of the ids belong to other events.
    /// </summary>
    Task<AppendResult> AppendAsync(
        string stream, ExpectedVersion expected, IReadOnlyList<NewEvent> events, EventMetadata metadata,
        CancellationToken cancellation);

    /// <summary>
    /// The events of a stream in order of version, from <paramref name="fromVersion"/> on; none where there is no
    /// stream.
    /// </summary>
    IAsyncEnumerable<RecordedEvent> ReadStreamAsync(
        string stream, long fromVersion = 1, CancellationToken cancellation = default);

    /// <summary>
    /// At most <paramref name="max"/> events of all streams after a position, in order of position, none beyond
    /// <see cref="HighWaterAsync"/>. A reader that goes on from the last position it saw misses no event.
    /// </summary>
    Task<IReadOnlyList<RecordedEvent>> ReadAllAsync(long afterPosition, int max, CancellationToken cancellation);

    /// <summary>
    /// The position up to which every event is visible: no running transaction can still commit one at or below it.
    /// </summary>
    Task<long> HighWaterAsync(CancellationToken cancellation);
}

/// <summary>An event to append. The id makes a repeated append harmless.</summary>
public sealed record NewEvent(Guid Id, IEvent Data);

/// <summary>
/// What surrounds an event: trace context (W3C <c>traceparent</c>), the ids of the request and of the cause, who
/// acted.
/// </summary>
public sealed record EventMetadata(
    [property: JsonPropertyName("traceparent")] string? TraceParent = null, string? Correlation = null,
    string? Causation = null, string? Actor = null)
{
    /// <summary>Nothing known.</summary>
    public static readonly EventMetadata None = new();

    /// <summary>The trace context of the current activity, with who acts and why.</summary>
    public static EventMetadata Current(string? actor = null, string? correlation = null, string? causation = null) =>
        new(System.Diagnostics.Activity.Current?.Id, correlation, causation, actor);
}

/// <summary>
/// An event as the store holds it. Version counts from 1 within the stream, position grows over all streams.
/// </summary>
public sealed record RecordedEvent(
    long Position, string Stream, long Version, Guid Id, string WireName, IEvent Data, EventMetadata Metadata,
    DateTimeOffset RecordedAt);

/// <summary>The version of the last event appended, and its position.</summary>
public readonly record struct AppendResult(long Version, long Position);

/// <summary>What a writer believes about a stream before it appends.</summary>
public readonly record struct ExpectedVersion
{
    private ExpectedVersion(long value) => Value = value;

    /// <summary>
    /// The code that the append function understands: a version, 0 for no stream, -1 for exists, -2 for any.
    /// </summary>
    public long Value { get; }

    /// <summary>Whatever there is.</summary>
    public static ExpectedVersion Any => new(-2);

    /// <summary>At least one event.</summary>
    public static ExpectedVersion Exists => new(-1);

    /// <summary>No event yet.</summary>
    public static ExpectedVersion NoStream => new(0);

    /// <summary>Exactly this version; 0 means no event yet.</summary>
    public static ExpectedVersion Exactly(long version) =>
        version >= 0 ? new(version)
            : throw new ArgumentOutOfRangeException(nameof(version), version, "Versions count from 0.");

    /// <summary>Whether a stream at <paramref name="actual"/> is as expected.</summary>
    public bool Matches(long actual) => Value switch
    {
        -2 => true,
        -1 => actual > 0,
        _ => actual == Value,
    };

    public override string ToString() => Value switch
    {
        -2 => "any",
        -1 => "exists",
        0 => "no stream",
        _ => Value.ToString(System.Globalization.CultureInfo.InvariantCulture),
    };
}
