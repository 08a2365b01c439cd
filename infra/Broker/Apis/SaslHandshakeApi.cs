using EventStream.Broker.Protocol;
using EventStream.Broker.Server;

namespace EventStream.Broker.Apis;

/// <summary>SaslHandshake: tells a client that is set up for SASL that this listener has none.</summary>
internal static class SaslHandshakeApi
{
    public static ValueTask HandleAsync(BrokerNode node, Request request)
    {
        request.Writer.WriteError(ErrorCode.UnsupportedSaslMechanism);
        request.Writer.WriteArrayLength(0);
        return ValueTask.CompletedTask;
    }
}
