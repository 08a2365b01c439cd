namespace EventStream.Contracts;

/// <summary>
/// An operator changed the platform by hand: <paramref name="Action"/> such as <c>edge.stop</c>, done to
/// <paramref name="Target"/> by <paramref name="Who"/> with the role <paramref name="Role"/>. <paramref name="Reason"/>
/// is the operator's own sentence; <paramref name="Detail"/> says what changed, or why it failed.
/// </summary>
[WireName("operator.acted.v1")]
public sealed record OperatorActed(
    string Action,
    string Target,
    string Who,
    string Role,
    string Reason,
    DateTimeOffset At,
    string? Detail
) : IEvent;
