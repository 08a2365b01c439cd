using System.Text.Json.Serialization;
using EventStream.Contracts;
using EventStream.Qoe.Load;
using EventStream.Qoe.Sessions;

namespace EventStream.Qoe;

/// <summary>What comes in: a report of a player, or a line of an edge's log.</summary>
public sealed record QoeInput(BeaconReceived? Beacon, CdnRequestServed? Request)
{
    /// <summary>
    /// Whether it is proven. Reports without proof, and requests whose URL Playback has not signed, make no state, and
    /// nothing is computed of them: anybody can send them.
    /// </summary>
    public bool Counts => Beacon is { Proven: true } || Request is { Signed: true };
}

/// <summary>Serializers of what the topology keeps in stores and sends between its steps.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault
)]
[JsonSerializable(typeof(SessionState))]
[JsonSerializable(typeof(WaitingRequests))]
[JsonSerializable(typeof(WindowFigures))]
[JsonSerializable(typeof(LoadPart))]
[JsonSerializable(typeof(KnownLoad))]
[JsonSerializable(typeof(LoadProgress))]
[JsonSerializable(typeof(int))]
[JsonSerializable(typeof(EventStream.Contracts.SessionUpdated))]
internal sealed partial class QoeJson : JsonSerializerContext;
