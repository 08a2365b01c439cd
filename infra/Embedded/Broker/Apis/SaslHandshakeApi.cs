using EventStream.Embedded.Broker.Protocol;
using EventStream.Embedded.Broker.Server;

namespace EventStream.Embedded.Broker.Apis;

/// <summary>
/// SaslHandshake: chooses the mechanism. After version 0 the client sends the messages of the mechanism as bare
/// frames, later versions wrap them into SaslAuthenticate.
/// </summary>
internal static class SaslHandshakeApi
{
    public static ValueTask HandleAsync(BrokerNode node, Request request)
    {
        var mechanism = request.Reader.ReadString();
        var error = request.Sasl?.Begin(mechanism, request.Version == 0) ?? ErrorCode.IllegalSaslState;
        request.ClosesConnection = error != ErrorCode.None;
        var writer = request.Writer;
        writer.WriteError(error);
        var offered = request.Sasl?.Mechanisms ?? [];
        writer.WriteArrayLength(offered.Count);
        foreach (var name in offered)
        {
            writer.WriteString(name);
        }
        return ValueTask.CompletedTask;
    }
}
