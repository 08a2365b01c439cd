using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace EventStream.Benchmarks;

/// <summary>
/// The least that a client can do: one connection, requests of fixed bytes, answers read into memory that is kept. It
/// does not take part in what it measures, as far as that can be.
/// </summary>
internal sealed class WireClient : IDisposable
{
    public const short Produce = 0;
    public const short Fetch = 1;
    public const short InitProducerId = 22;
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

    /// <summary>
    /// A request with its size and header of version 1 in front; the body is written by <paramref name="body"/>.
    /// </summary>
    public static byte[] Request(short api, short version, Action<WireWriter> body)
    {
        var writer = new WireWriter();
        writer.Int32(0).Int16(api).Int16(version).Int32(0).Text("bench");
        body(writer);
        var bytes = writer.ToArray();
        BinaryPrimitives.WriteInt32BigEndian(bytes, bytes.Length - sizeof(int));
        return bytes;
    }

    public async Task SendAsync(ReadOnlyMemory<byte> request)
    {
        while (request.Length > 0) request = request[await socket.SendAsync(request)..];
    }

    /// <summary>The next answer from its correlation id on, valid until the one after it.</summary>
    public async Task<ReadOnlyMemory<byte>> ReceiveAsync()
    {
        await FillAsync(sizeof(int));
        var size = BinaryPrimitives.ReadInt32BigEndian(answer);
        if (answer.Length < size) answer = new byte[size];
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
        for (var filled = 0; filled < size;)
        {
            var read = await socket.ReceiveAsync(answer.AsMemory(filled, size - filled));
            if (read == 0) throw new IOException("The broker closed the connection.");
            filled += read;
        }
    }
}

/// <summary>Writes the primitive types of the protocol, big-endian.</summary>
internal sealed class WireWriter
{
    private readonly MemoryStream stream = new();

    public WireWriter Int16(short value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(short)];
        BinaryPrimitives.WriteInt16BigEndian(bytes, value);
        return Bytes(bytes);
    }

    public WireWriter Int32(int value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(int)];
        BinaryPrimitives.WriteInt32BigEndian(bytes, value);
        return Bytes(bytes);
    }

    public WireWriter Int64(long value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64BigEndian(bytes, value);
        return Bytes(bytes);
    }

    /// <summary>A zigzag varint, as records have them.</summary>
    public WireWriter Varint(int value)
    {
        var left = (uint)((value << 1) ^ (value >> 31));
        for (; left > 0x7f; left >>= 7) stream.WriteByte((byte)(left | 0x80));
        stream.WriteByte((byte)left);
        return this;
    }

    public WireWriter Text(string text) => Int16((short)text.Length).Bytes(Encoding.ASCII.GetBytes(text));

    public WireWriter Bytes(ReadOnlySpan<byte> bytes)
    {
        stream.Write(bytes);
        return this;
    }

    public byte[] ToArray() => stream.ToArray();
}
