namespace EventStream.Embedded.Broker.Protocol;

/// <summary>
/// Bytes that are no request of the Kafka protocol. The connection that sent them is closed and counted.
/// </summary>
internal sealed class MalformedRequestException(string message) : Exception(message);
