using System.Text.Json.Serialization;
using EventStream.Contracts;

namespace EventStream.EventStore;

/// <summary>
/// What surrounds an event: trace context (W3C <c>traceparent</c>), the ids of the request and of the cause, who acted,
/// and headers of the caller's own. Who acted is a person: the store keeps it encrypted (see
/// <see cref="PersonalDataAttribute"/>).
/// </summary>
public sealed record EventMetadata(
    [property: JsonPropertyName("traceparent")] string? TraceParent = null,
    string? Correlation = null,
    string? Causation = null,
    string? Actor = null
)
{
    private static readonly IReadOnlyDictionary<string, string> NoHeaders = new Dictionary<string, string>();

    /// <summary>Nothing known.</summary>
    public static readonly EventMetadata None = new();

    /// <summary>Further facts by name, such as the address of a request's source.</summary>
    public IReadOnlyDictionary<string, string> Headers { get; init; } = NoHeaders;

    /// <summary>The trace context of the current activity, with who acts and why.</summary>
    public static EventMetadata Current(string? actor = null, string? correlation = null, string? causation = null) =>
        new(System.Diagnostics.Activity.Current?.Id, correlation, causation, actor);
}
