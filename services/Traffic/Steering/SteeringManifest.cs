using System.Text.Json.Serialization;

namespace EventStream.Traffic.Steering;

/// <summary>
/// The steering manifest that HLS (draft-pantos-content-steering) and DASH (ETSI TS 103 998) share. TTL in seconds;
/// the reload URI is absolute, because players resolve relative ones differently or not at all.
/// </summary>
public sealed record SteeringManifest(
    [property: JsonPropertyName("VERSION")] int Version,
    [property: JsonPropertyName("TTL")] int Ttl,
    [property: JsonPropertyName("RELOAD-URI")] string ReloadUri,
    [property: JsonPropertyName("PATHWAY-PRIORITY")] IReadOnlyList<string> PathwayPriority,
    [property: JsonPropertyName("SERVICE-LOCATION-PRIORITY")]
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
        IReadOnlyList<string>? ServiceLocationPriority
);
