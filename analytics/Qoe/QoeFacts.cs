using System.Text.Json.Serialization;
using EventStream.Contracts;
using EventStream.Qoe.Load;
using EventStream.Qoe.Sessions;

namespace EventStream.Qoe;

/// <summary>What comes in: a report of a player, or a line of an edge's log.</summary>
public sealed record QoeInput(BeaconReceived? Beacon, CdnRequestServed? Request);

/// <summary>A message about a session, to be written.</summary>
public sealed record SessionFact(IMessage Message) : IQoeFact;

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
