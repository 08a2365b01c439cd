using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace EventStream.Traffic.Dns;

/// <summary>Record types that this server knows.</summary>
internal static class DnsTypes
{
    public const ushort A = 1;
    public const ushort Soa = 6;
    public const ushort Aaaa = 28;
    public const ushort Any = 255;
    public const ushort ClassIn = 1;
    public const ushort ClassAny = 255;
}

/// <summary>Writes an answer of at most 512 bytes, so that it needs neither truncation nor TCP.</summary>
internal sealed class DnsResponse
{
    public const int LengthMax = 512;
    private const ushort Authoritative = 0x8400;
    private const ushort PointerToQuestion = 0xC00C;
    private const ushort EdnsPayload = 1232;
    private readonly byte[] bytes = new byte[LengthMax];
    private readonly DnsQuery query;
    private int length = 12;

    public DnsResponse(DnsQuery query)
    {
        this.query = query;
        query.Question.Span.CopyTo(bytes.AsSpan(length));
        length += query.Question.Length;
        if (query.Question.Length > 0)
            Set(4, 1);
    }

    public DnsCode Code { get; init; }

    /// <summary>Whether the name lies in the zone, so that the answer is authoritative.</summary>
    public bool IsAuthoritative { get; init; } = true;

    /// <summary>Adds an A or AAAA record for the name of the question.</summary>
    public void AddAddress(IPAddress address, int ttlSeconds)
    {
        var type = address.AddressFamily == AddressFamily.InterNetwork ? DnsTypes.A : DnsTypes.Aaaa;
        var data = address.GetAddressBytes();
        Write16(PointerToQuestion);
        WriteRecordHead(type, DnsTypes.ClassIn, (uint)ttlSeconds, data.Length);
        data.CopyTo(bytes, length);
        length += data.Length;
        Increment(6);
    }

    /// <summary>Adds the zone's start of authority, as answer or beside a negative one (RFC 2308).</summary>
    public void AddSoa(string zone, int ttlSeconds, bool isAnswer)
    {
        WriteName(zone);
        var data = length + 8;
        WriteRecordHead(DnsTypes.Soa, DnsTypes.ClassIn, (uint)ttlSeconds, 0);
        var start = length;
        WriteName($"ns.{zone}");
        WriteName($"hostmaster.{zone}");
        foreach (var number in (uint[])[1, 3600, 600, 86_400, (uint)ttlSeconds])
            Write32(number);
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(data), (ushort)(length - start));
        Increment(isAnswer ? 6 : 8);
    }

    /// <summary>The finished datagram.</summary>
    public ReadOnlyMemory<byte> ToDatagram()
    {
        if (query.HasEdns)
        {
            bytes[length++] = 0;
            WriteRecordHead(41, EdnsPayload, (uint)((int)Code >> 4) << 24, 0);
            Increment(10);
        }

        var authority = IsAuthoritative ? Authoritative : 0x8000;
        var flags = authority | (query.Opcode << 11) | (query.RecursionDesired ? 0x0100 : 0) | ((int)Code & 0xF);
        Set(0, query.Id);
        Set(2, (ushort)flags);
        return bytes.AsMemory(0, length);
    }

    private void WriteRecordHead(ushort type, ushort @class, uint ttl, int dataLength)
    {
        Write16(type);
        Write16(@class);
        Write32(ttl);
        Write16((ushort)dataLength);
    }

    private void WriteName(string name)
    {
        foreach (var label in name.Split('.'))
        {
            bytes[length++] = (byte)label.Length;
            length += Encoding.ASCII.GetBytes(label, bytes.AsSpan(length));
        }

        bytes[length++] = 0;
    }

    private void Write16(ushort value)
    {
        Set(length, value);
        length += 2;
    }

    private void Write32(uint value)
    {
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(length), value);
        length += 4;
    }

    private void Set(int at, ushort value) => BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(at), value);

    private void Increment(int at) => Set(at, (ushort)(BinaryPrimitives.ReadUInt16BigEndian(bytes.AsSpan(at)) + 1));
}
