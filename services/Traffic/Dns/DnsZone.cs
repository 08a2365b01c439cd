using System.Buffers.Binary;
using System.Text;
using EventStream.Traffic.Edges;
using EventStream.Traffic.Steering;
using Makaretu.Dns;

namespace EventStream.Traffic.Dns;

/// <summary>
/// What the zone answers: its apex has the addresses of the edges that are up in the order for an unknown region,
/// <c>{region}</c> below it those for that region, <c>{edge}</c> those of one edge. Down edges are left out unless
/// all are down. An answer has at most 512 bytes, so that it needs neither truncation nor TCP.
/// </summary>
internal sealed class DnsZone(TrafficOptions options, EdgeMap map, SteeringBoard board)
{
    /// <summary>Longest query and answer, in bytes.</summary>
    public const int LengthMax = 512;

    /// <summary>Longest name of the zone, so that every answer of ours fits.</summary>
    public const int OwnNameLengthMax = 100;

    /// <summary>Most addresses in an answer: the longest name and eight IPv6 records stay below 512 bytes.</summary>
    private const int AnswersMax = 8;

    private const int NameLengthMax = 254;
    private const int LabelLengthMax = 63;
    private const ushort EdnsPayload = 1232;
    private readonly TimeSpan ttl = TimeSpan.FromSeconds(options.DnsTtlSeconds);

    /// <summary>Answers a datagram; null where silence is the answer.</summary>
    public byte[]? Answer(ReadOnlyMemory<byte> datagram)
    {
        var bytes = datagram.Span;
        // It is too short to have an id, or is itself an answer.
        if (bytes.Length < Message.MinLength || (bytes[2] & 0x80) != 0)
            return null;
        var answer = new Message
        {
            Id = BinaryPrimitives.ReadUInt16BigEndian(bytes),
            QR = true,
            Opcode = (MessageOperation)((bytes[2] >> 3) & 0xF),
            RD = (bytes[2] & 1) != 0,
        };
        if (answer.Opcode != MessageOperation.Query)
            answer.Status = MessageStatus.NotImplemented;
        else if (Read(datagram) is { } query)
            Answer(query, answer);
        else
            answer.Status = MessageStatus.FormatError;
        return answer.ToByteArray();
    }

    /// <summary>The query with one question and at most one OPT record (RFC 6891), or null where it is none.</summary>
    private static Message? Read(ReadOnlyMemory<byte> datagram)
    {
        try
        {
            var query = (Message)new Message().Read(datagram.ToArray());
            return
                query.Questions is [var question]
                && question.Name.Labels.All(label => label.Length is > 0 and <= LabelLengthMax && Ascii.IsValid(label))
                && question.Name.Labels.Sum(label => label.Length + 1) <= NameLengthMax
                && query.AdditionalRecords.OfType<OPTRecord>().Count() <= 1
                ? query
                : null;
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // The package names no exceptions for a broken message: it throws what it stumbles over.
            return null;
        }
    }

    private void Answer(Message query, Message answer)
    {
        var question = query.Questions[0];
        answer.Questions.Add(question);
        if (query.AdditionalRecords.OfType<OPTRecord>().FirstOrDefault() is { } edns)
        {
            var own = new OPTRecord { RequestorPayloadSize = EdnsPayload };
            answer.AdditionalRecords.Add(own);
            if (edns.Version != 0)
            {
                // Of the code 16, BADVERS, the upper bits are in the record.
                own.Opcode8 = (byte)MessageStatus.BadVersion >> 4;
                return;
            }
        }

        var name = string.Join('.', question.Name.Labels).ToLowerInvariant();
        var isInZone = $".{name}".EndsWith($".{options.DnsName}", StringComparison.Ordinal);
        if (question.Class is not (DnsClass.IN or DnsClass.ANY) || !isInZone)
        {
            answer.Status = MessageStatus.Refused;
            return;
        }

        answer.AA = true;
        if (name == options.DnsName && question.Type == DnsType.SOA)
            answer.Answers.Add(Soa());
        else if (OrderFor(name[..^options.DnsName.Length].TrimEnd('.')) is { } order)
            answer.Answers.AddRange(Addresses(question, order));
        else
            answer.Status = MessageStatus.NameError;
        // A negative answer has the start of authority beside it (RFC 2308).
        if (answer.Answers.Count == 0)
            answer.AuthorityRecords.Add(Soa());
    }

    /// <summary>The edges of a label below the apex, or of the apex itself; null where there is no such name.</summary>
    private IReadOnlyList<string>? OrderFor(string label) =>
        label.Length == 0 ? board.OrderFor("")
        : options.Edges.Any(edge => edge.Name == label) ? [label]
        : options.Edges.Any(edge => edge.Region == label) ? board.OrderFor(label)
        : null;

    private IEnumerable<AddressRecord> Addresses(Question question, IReadOnlyList<string> order)
    {
        var states = map.States.ToDictionary(state => state.Edge.Name);
        var ordered = order.Select(name => states[name]).ToList();
        var up = ordered.Where(state => state.IsUp).ToList();
        return (up.Count > 0 ? up : ordered)
            .SelectMany(state => state.Edge.Addresses)
            .Distinct()
            .Select(address => AddressRecord.Create(question.Name, address))
            .Where(record => question.Type == DnsType.ANY || question.Type == record.Type)
            .Take(AnswersMax)
            .Select(record =>
            {
                record.TTL = ttl;
                return record;
            });
    }

    private SOARecord Soa() =>
        new()
        {
            Name = options.DnsName,
            TTL = ttl,
            PrimaryName = $"ns.{options.DnsName}",
            Mailbox = $"hostmaster.{options.DnsName}",
            SerialNumber = 1,
            Refresh = TimeSpan.FromSeconds(3600),
            Retry = TimeSpan.FromSeconds(600),
            Expire = TimeSpan.FromDays(1),
            Minimum = ttl,
        };
}
