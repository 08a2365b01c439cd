namespace EventStream.Embedded.ClickHouse;

/// <summary>An engine that cannot start; the message names what is in the way and the remedy.</summary>
public sealed class EngineStartException(string message) : Exception(message);
