using EventStream.Embedded.Broker.Protocol;
using EventStream.Embedded.Broker.Server;

namespace EventStream.Embedded.Broker.Apis;

/// <summary>
/// SaslHandshake: chooses the mechanism. After version 0 the client sends the messages of the mechanism as bare
/// frames, later versions wrap them into SaslAuthenticate.
/// </summary>
internal static class SaslHandshakeApi
{
    public static void Handle(BrokerNode node, Request request)
    {
        var mechanism = request.Reader.ReadString();
        var error = request.Sasl?.Begin(mechanism, request.Version == 0) ?? ErrorCode.IllegalSaslState;
        request.ClosesConnection = error != ErrorCode.None;
        var writer = request.Writer;
        writer.WriteError(error);
        writer.WriteArray(request.Sasl?.Mechanisms ?? [], name => writer.WriteString(name));
    }
}
