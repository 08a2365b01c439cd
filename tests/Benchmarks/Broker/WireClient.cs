using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using EventStream.Embedded.Broker.Protocol;

namespace EventStream.Benchmarks;

/// <summary>
/// The least that a client can do: one connection, requests of fixed bytes, answers read into memory that is kept. It
/// does not take part in what it measures, as far as that can be.
/// </summary>
internal sealed class WireClient : IDisposable
{
    private readonly Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)
    {
        NoDelay = true,
    };

    private byte[] answer = new byte[1024];
    private int answers;

    public static async Task<WireClient> ConnectAsync(string bootstrap)
    {
        var client = new WireClient();
        await client.socket.ConnectAsync(IPEndPoint.Parse(bootstrap));
        return client;
    }

    /// <summary>A request of a version that is not flexible; its body is what the action writes.</summary>
    public static byte[] Request(ApiKey api, short version, Action<ResponseWriter> body)
    {
        using var writer = new ResponseWriter();
        writer.WriteInt32(0);
        writer.WriteInt16((short)api);
        writer.WriteInt16(version);
        writer.WriteInt32(0);
        writer.WriteString("bench");
        body(writer);
        writer.End();
        return writer.Written.ToArray();
    }

    public async Task SendAsync(ReadOnlyMemory<byte> request)
    {
        while (request.Length > 0)
            request = request[await socket.SendAsync(request)..];
    }

    /// <summary>The next answer from its correlation id on, valid until the one after it.</summary>
    public async Task<ReadOnlyMemory<byte>> ReceiveAsync()
    {
        await FillAsync(sizeof(int));
        var size = BinaryPrimitives.ReadInt32BigEndian(answer);
        if (answer.Length < size)
            answer = new byte[size];
        await FillAsync(size);
        answers++;
        return answer.AsMemory(0, size);
    }

    /// <summary>Throws for an answer that holds another error code than 0 at a place.</summary>
    public void Check(ReadOnlyMemory<byte> body, int at)
    {
        if (BinaryPrimitives.ReadInt16BigEndian(body.Span[at..]) is var code and not 0)
            throw new InvalidOperationException($"The broker's answer {answers} has the error code {code}.");
    }

    public void Dispose() => socket.Dispose();

    private async Task FillAsync(int size)
    {
        for (var filled = 0; filled < size; )
        {
            var read = await socket.ReceiveAsync(answer.AsMemory(filled, size - filled));
            if (read == 0)
                throw new IOException("The broker closed the connection.");
            filled += read;
        }
    }
}
