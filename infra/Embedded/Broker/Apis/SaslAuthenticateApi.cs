using EventStream.Embedded.Broker.Protocol;
using EventStream.Embedded.Broker.Security;
using EventStream.Embedded.Broker.Server;

namespace EventStream.Embedded.Broker.Apis;

/// <summary>
/// SaslAuthenticate: one message of the mechanism that SaslHandshake chose. A failure is answered late, without its
/// cause, and ends the connection.
/// </summary>
internal static class SaslAuthenticateApi
{
    public static async ValueTask HandleAsync(BrokerNode node, Request request)
    {
        var step = Next(request, request.Reader.ReadBytes());
        var error = step.Failed ? ErrorCode.SaslAuthenticationFailed : ErrorCode.None;
        if (step.Failed)
        {
            await FailAsync(node, request);
        }
        var writer = request.Writer;
        writer.WriteError(error);
        writer.WriteSentence(error);
        writer.WriteBytes(step.Reply);
        writer.WriteInt64(request.Sasl?.LifetimeMs ?? 0, since: 1);
    }

    /// <summary>
    /// A message as a bare frame, answered by one; a failure can only be shown by closing the connection.
    /// </summary>
    public static async ValueTask HandleRawAsync(BrokerNode node, Request request)
    {
        var step = Next(request, request.Reader.ReadRest());
        if (step.Failed)
        {
            await FailAsync(node, request);
        }
        request.WantsResponse = !step.Failed;
        request.Writer.BeginRaw();
        step.Reply.CopyTo(request.Writer.Grow(step.Reply.Length));
    }

    private static SaslStep Next(Request request, byte[] message) => request.Sasl?.Next(message) ?? SaslStep.Failure;

    private static async ValueTask FailAsync(BrokerNode node, Request request)
    {
        request.ClosesConnection = true;
        node.Counters.CountAuthenticationFailed();
        BrokerLog.AuthenticationFailed(node.Logger, request.ClientHost, request.Sasl?.Mechanism ?? "no SASL");
        await Task.Delay(node.Options.Security.FailedAuthenticationDelay, node.Options.Time, request.Cancellation);
    }
}
