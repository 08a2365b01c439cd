using System.Buffers.Binary;
using System.Net.Sockets;
using EventStream.Embedded.Broker.Protocol;

namespace EventStream.Embedded.Tests.Integration.Broker;

/// <summary>
/// A client that sends exactly what a test wants, and waits for an answer no longer than the tests do.
/// </summary>
internal sealed class RawClient(int port) : IDisposable
{
    private readonly TcpClient _client = new("127.0.0.1", port) { NoDelay = true };

    public NetworkStream Stream => _client.GetStream();

    /// <summary>Sends a request of a version that is not flexible; its body is what the action writes.</summary>
    public async Task SendAsync(ApiKey api, short version, Action<ResponseWriter> body)
    {
        using var writer = new ResponseWriter();
        writer.WriteInt32(0);
        writer.WriteInt16((short)api);
        writer.WriteInt16(version);
        writer.WriteInt32(4711);
        writer.WriteString("raw");
        body(writer);
        writer.End();
        await Stream.WriteAsync(writer.Written);
    }

    /// <summary>The body of the next response.</summary>
    /// <exception cref="EndOfStreamException">The broker hung up.</exception>
    public async Task<RequestReader> ReceiveAsync()
    {
        using var limit = new CancellationTokenSource(Clients.Patience);
        var size = new byte[4];
        await Stream.ReadExactlyAsync(size, limit.Token);
        var frame = new byte[BinaryPrimitives.ReadInt32BigEndian(size)];
        await Stream.ReadExactlyAsync(frame, limit.Token);
        var reader = new RequestReader();
        reader.Reset(frame, 4, frame.Length - 4);
        return reader;
    }

    public async Task<RequestReader> AskAsync(ApiKey api, short version, Action<ResponseWriter> body)
    {
        await SendAsync(api, version, body);
        return await ReceiveAsync();
    }

    /// <summary>Waits until the broker hangs up.</summary>
    public async Task AwaitEndAsync()
    {
        using var limit = new CancellationTokenSource(Clients.Patience);
        try
        {
            while (await Stream.ReadAsync(new byte[4096], limit.Token) > 0)
            {
                // What it still says does not matter.
            }
        }
        catch (IOException)
        {
            // A reset is a way to hang up, too.
        }
    }

    public void Dispose() => _client.Dispose();
}
