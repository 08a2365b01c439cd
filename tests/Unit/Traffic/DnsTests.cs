using System.Buffers.Binary;
using System.Net;
using System.Text;
using EventStream.Contracts;
using EventStream.Hosting;
using EventStream.Messaging.Kafka;
using EventStream.Traffic;
using EventStream.Traffic.Dns;
using EventStream.Traffic.Edges;
using EventStream.Traffic.Steering;
using Microsoft.Extensions.Logging.Abstractions;

namespace EventStream.Unit.Tests.Traffic;

public sealed class DnsTests
{
    private const ushort A = 1;
    private const ushort Txt = 16;
    private readonly EdgeMap map;
    private readonly SteeringBoard board;
    private readonly DnsZone zone;

    public DnsTests()
    {
        var options = TrafficOptions.Read(
            RoleHost.ReadConfiguration(
                null,
                [
                    new("Traffic:Edges:0:Name", "edge-a"),
                    new("Traffic:Edges:0:Region", "eu"),
                    new("Traffic:Edges:0:Url", "http://edge-a.example"),
                    new("Traffic:Edges:0:Addresses", "192.0.2.1, 2001:db8::1"),
                    new("Traffic:Edges:1:Name", "edge-b"),
                    new("Traffic:Edges:1:Region", "us"),
                    new("Traffic:Edges:1:Url", "http://192.0.2.2:80"),
                    new("Traffic:DnsName", "edge.example"),
                ]
            ),
            []
        );
        map = new EdgeMap(options, TimeProvider.System);
        var journal = new SteeringJournal(new Nowhere(), TimeProvider.System, NullLogger<SteeringJournal>.Instance);
        board = new SteeringBoard(options, map, journal, TimeProvider.System);
        board.Decide();
        zone = new DnsZone(options, map, board);
    }

    [Fact]
    public void The_apex_has_the_addresses_in_order() =>
        Assert.Equal(["192.0.2.1", "192.0.2.2"], Ask("edge.example").Addresses);

    [Fact]
    public void A_region_has_its_own_order_and_case_does_not_matter() =>
        Assert.Equal(["192.0.2.2", "192.0.2.1"], Ask("uS.eDGe.example").Addresses);

    [Fact]
    public void An_edge_has_its_own_address() => Assert.Equal(["192.0.2.2"], Ask("edge-b.edge.example").Addresses);

    [Fact]
    public void Aaaa_has_the_IPv6_addresses() => Assert.Equal(["2001:db8::1"], Ask("edge.example", 28).Addresses);

    [Fact]
    public void An_edge_that_is_down_is_left_out_unless_all_are()
    {
        map.Record("edge-a", new ProbeResult(1, "refused"));
        board.Decide();
        Assert.Equal(["192.0.2.2"], Ask("edge.example").Addresses);

        map.Record("edge-b", new ProbeResult(1, "refused"));
        board.Decide();
        Assert.Equal(2, Ask("edge.example").Addresses.Count);
    }

    [Fact]
    public void A_name_that_is_not_there_is_NXDOMAIN_and_a_type_that_is_not_there_is_empty()
    {
        Assert.Equal((3, 0, 1), Ask("nobody.edge.example").Summary);
        Assert.Equal((0, 0, 1), Ask("edge.example", Txt).Summary);
    }

    [Fact]
    public void The_start_of_authority_is_answered() => Assert.Equal((0, 1, 0), Ask("edge.example", 6).Summary);

    [Theory]
    [InlineData("example.org")]
    [InlineData("notedge.example")]
    [InlineData("example")]
    public void What_lies_outside_the_zone_is_refused(string name) => Assert.Equal((5, 0, 0), Ask(name).Summary);

    [Fact]
    public void Another_opcode_is_not_implemented()
    {
        var query = Query("edge.example", A);
        query[2] = 0x28;

        Assert.Equal(4, Read(zone.Answer(query)!).Code);
    }

    [Fact]
    public void Two_questions_or_a_broken_name_are_format_errors()
    {
        var two = Query("edge.example", A);
        two[5] = 2;
        var broken = Query("edge.example", A);
        broken[12] = 0xC0;

        Assert.Equal(1, Read(zone.Answer(broken)!).Code);
        Assert.Equal(1, Read(zone.Answer(two)!).Code);
    }

    /// <summary>A compressed name can point at itself, or at one that points back (RFC 1035, 4.1.4).</summary>
    [Theory]
    [InlineData(0xC0, 0x0C, 0, 1, 0, 1)]
    [InlineData(0xC0, 0x0E, 0xC0, 0x0C, 0, 1)]
    [InlineData(1, 0x61, 0xC0, 0x0C, 0, 1)]
    public void A_name_that_never_ends_is_a_format_error(params int[] question)
    {
        byte[] query = [0x12, 0x34, 0x01, 0, 0, 1, 0, 0, 0, 0, 0, 0, .. question.Select(value => (byte)value), 0, 1];

        Assert.Equal(1, Read(zone.Answer(query)!).Code);
    }

    [Fact]
    public void An_EDNS_query_gets_an_EDNS_answer_and_an_unknown_version_an_error()
    {
        var answer = zone.Answer(Query("edge.example", A, ednsVersion: 0))!.AsSpan();
        var bad = zone.Answer(Query("edge.example", A, ednsVersion: 1))!.AsSpan();

        Assert.Equal(1, BinaryPrimitives.ReadUInt16BigEndian(answer[10..]));
        Assert.Equal(1, bad[^6]);
    }

    [Fact]
    public void Answers_are_never_answered()
    {
        var query = Query("edge.example", A);
        query[2] |= 0x80;

        Assert.Null(zone.Answer(query));
        Assert.Null(zone.Answer(new byte[11]));
    }

    [Fact]
    public void Garbage_never_breaks_the_server_and_no_answer_is_longer_than_a_datagram()
    {
        var random = new Random(7);
        for (var i = 0; i < 20_000; i++)
        {
            var query = i % 2 == 0 ? new byte[random.Next(0, 80)] : Query("eu.edge.example", A, ednsVersion: 0);
            if (i % 2 == 0)
                random.NextBytes(query);
            else
                for (var n = 0; n < 3; n++)
                    query[random.Next(2, query.Length)] = (byte)random.Next(256);
            Assert.True((zone.Answer(query)?.Length ?? 0) <= DnsZone.LengthMax);
        }
    }

    private Answered Ask(string name, ushort type = A) => Read(zone.Answer(Query(name, type))!);

    private static byte[] Query(string name, ushort type, int? ednsVersion = null)
    {
        var bytes = new List<byte> { 0x12, 0x34, 0x01, 0, 0, 1, 0, 0, 0, 0, 0, (byte)(ednsVersion is null ? 0 : 1) };
        foreach (var label in name.Split('.'))
        {
            bytes.Add((byte)label.Length);
            bytes.AddRange(Encoding.ASCII.GetBytes(label));
        }

        bytes.AddRange([0, (byte)(type >> 8), (byte)type, 0, 1]);
        if (ednsVersion is { } version)
            bytes.AddRange([0, 0, 41, 4, 208, 0, (byte)version, 0, 0, 0, 0]);
        return [.. bytes];
    }

    private static Answered Read(ReadOnlyMemory<byte> datagram)
    {
        var bytes = datagram.Span;
        Assert.Equal(0x1234, BinaryPrimitives.ReadUInt16BigEndian(bytes));
        var (answers, authority) = (bytes[7], bytes[9]);
        var at = 12;
        if (bytes[5] > 0)
        {
            while (bytes[at] != 0)
                at += bytes[at] + 1;
            at += 5;
        }

        List<string> addresses = [];
        for (var i = 0; i < answers && bytes[at] == 0xC0; i++)
        {
            var length = BinaryPrimitives.ReadUInt16BigEndian(bytes[(at + 10)..]);
            if (BinaryPrimitives.ReadUInt16BigEndian(bytes[(at + 2)..]) is A or 28)
                addresses.Add(new IPAddress(bytes.Slice(at + 12, length)).ToString());
            at += 12 + length;
        }

        return new Answered(bytes[3] & 0xF, answers, authority, addresses);
    }

    private sealed record Answered(int Code, int Answers, int Authority, IReadOnlyList<string> Addresses)
    {
        public (int Code, int Answers, int Authority) Summary => (Code, Answers, Authority);
    }

    private sealed class Nowhere : IEventPublisher
    {
        public Task PublishAsync(
            Topic topic,
            string key,
            IMessage message,
            DateTimeOffset time,
            CancellationToken cancellation,
            PublishOptions? options = null
        ) => Task.CompletedTask;
    }
}
