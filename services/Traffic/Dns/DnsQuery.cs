using System.Buffers.Binary;
using System.Text;

namespace EventStream.Traffic.Dns;

/// <summary>Response codes of RFC 1035 and RFC 6891 that this server gives.</summary>
internal enum DnsCode
{
    NoError = 0,
    FormatError = 1,
    NameError = 3,
    NotImplemented = 4,
    Refused = 5,
    BadVersion = 16,
}

/// <summary>
/// A query as it came: id, flags, and, where it could be read, the one question. <see cref="Name"/> is in lower
/// case without the final dot; <see cref="Question"/> are its bytes, which the answer repeats unchanged.
/// </summary>
internal sealed record DnsQuery(ushort Id, int Opcode, bool RecursionDesired, DnsCode Fault)
{
    private const int HeaderLength = 12;
    private const int NameLengthMax = 255;
    private const ushort TypeOpt = 41;

    public string Name { get; private init; } = "";

    public ushort Type { get; private init; }

    public ushort Class { get; private init; }

    public ReadOnlyMemory<byte> Question { get; private init; }

    public bool HasEdns { get; private init; }

    /// <summary>
    /// Reads a datagram. Null where nothing may be answered: it is too short to have an id, or is itself an answer.
    /// A fault other than no error is what to answer with.
    /// </summary>
    public static DnsQuery? Read(ReadOnlyMemory<byte> datagram)
    {
        var bytes = datagram.Span;
        if (bytes.Length < HeaderLength)
            return null;
        var flags = BinaryPrimitives.ReadUInt16BigEndian(bytes[2..]);
        if ((flags & 0x8000) != 0)
            return null;
        var query = new DnsQuery(
            BinaryPrimitives.ReadUInt16BigEndian(bytes),
            (flags >> 11) & 0xF,
            (flags & 0x0100) != 0,
            DnsCode.NoError
        );
        if (query.Opcode != 0)
            return query with { Fault = DnsCode.NotImplemented };
        var at = HeaderLength;
        if (Count(bytes, 4) != 1 || ReadName(bytes, ref at) is not { } name || at + 4 > bytes.Length)
            return query with { Fault = DnsCode.FormatError };
        query = query with
        {
            Name = name,
            Type = BinaryPrimitives.ReadUInt16BigEndian(bytes[at..]),
            Class = BinaryPrimitives.ReadUInt16BigEndian(bytes[(at + 2)..]),
            Question = datagram[HeaderLength..(at + 4)],
        };
        at += 4;
        return query.WithRecords(bytes, at, Count(bytes, 6) + Count(bytes, 8) + Count(bytes, 10));
    }

    private static int Count(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt16BigEndian(bytes[at..]);

    /// <summary>Walks the records behind the question, of which only OPT (RFC 6891) matters.</summary>
    private DnsQuery WithRecords(ReadOnlySpan<byte> bytes, int at, int count)
    {
        var query = this;
        for (var i = 0; i < count; i++)
        {
            var isRoot = at < bytes.Length && bytes[at] == 0;
            if (!SkipName(bytes, ref at) || at + 10 > bytes.Length)
                return this with { Fault = DnsCode.FormatError };
            var type = BinaryPrimitives.ReadUInt16BigEndian(bytes[at..]);
            var version = bytes[at + 5];
            var length = BinaryPrimitives.ReadUInt16BigEndian(bytes[(at + 8)..]);
            at += 10 + length;
            if (at > bytes.Length)
                return this with { Fault = DnsCode.FormatError };
            if (type != TypeOpt)
                continue;
            if (!isRoot || query.HasEdns)
                return this with { Fault = DnsCode.FormatError };
            query = query with { HasEdns = true, Fault = version == 0 ? DnsCode.NoError : DnsCode.BadVersion };
        }

        return query;
    }

    /// <summary>The name at a place, or null where it is none. A question has nothing to point back to.</summary>
    private static string? ReadName(ReadOnlySpan<byte> bytes, ref int at)
    {
        var name = new StringBuilder();
        var start = at;
        while (at < bytes.Length && at - start < NameLengthMax)
        {
            int length = bytes[at++];
            if (length == 0)
                return name.ToString();
            if (length > 63 || at + length > bytes.Length)
                return null;
            if (name.Length > 0)
                name.Append('.');
            foreach (var letter in bytes.Slice(at, length))
                name.Append(char.ToLowerInvariant((char)letter));
            at += length;
        }

        return null;
    }

    private static bool SkipName(ReadOnlySpan<byte> bytes, ref int at)
    {
        while (at < bytes.Length)
        {
            int length = bytes[at++];
            if (length == 0)
                return true;
            if ((length & 0xC0) == 0xC0)
                return ++at <= bytes.Length;
            if (length > 63)
                return false;
            at += length;
        }

        return false;
    }
}
