using EventStream.Collect;
using EventStream.Collect.CdnLogs;
using EventStream.Contracts;
using EventStream.Hosting;

namespace EventStream.Unit.Tests.Collect;

public sealed class AccessLogReaderTests
{
    private const string Line = """
        {"time":1795337065.746,"edge":"edge-a","region":"eu","method":"GET","uri":"/media/0198c7d4-5a5c-7cc0-8f3f-0123456789ab/720p/3.m4s",
        "args":"CMCD=br%3D%283406%29%2Csid%3D%22s-1%22%2Cv%3D2&x=1","status":200,"bytes":51234,"duration":0.012,"upstream":"0.004, 0.002",
        "cache":"MISS","ua":"Chrome","req_id":"abc","cmcd_object":"","cmcd_request":"","cmcd_session":"","cmcd_status":""}
        """;

    private static readonly DateTimeOffset Arrival = DateTimeOffset.FromUnixTimeSeconds(1795337066);
    private static readonly LogSource Key = new("edge-a", IsClaimed: true, Arrival);
    private readonly AccessLogReader reader = new(
        new EdgeNames([new PlatformEdge("edge-b", "us", "http://127.0.0.1:7081", "http://127.0.0.1:7081", [])])
    );

    [Fact]
    public void A_segment_request_tells_session_video_and_rendition()
    {
        var request = Read()!;
        Assert.Equal(("edge-a", "eu"), (request.Edge, request.Region));
        Assert.Equal("s-1", request.SessionId);
        Assert.Equal("0198c7d4-5a5c-7cc0-8f3f-0123456789ab", request.VideoId);
        Assert.Equal("720p", request.Rendition);
        Assert.Equal(
            (200, 51234L, 12.0, "MISS"),
            (request.Status, request.Bytes, request.DurationMs, request.CacheStatus)
        );
        Assert.Equal(2, request.UpstreamMs!.Value, 6);
        Assert.Equal("""br=(3406),sid="s-1",v=2""", request.Cmcd);
    }

    [Fact]
    public void A_cmcd_header_wins_over_the_query()
    {
        var line = Line.ReplaceLineEndings("")
            .Replace("\"cmcd_session\":\"\"", "\"cmcd_session\":\"sid=\\\"other\\\"\"", StringComparison.Ordinal);
        Assert.Equal("other", reader.TryRead(line, Key, out _)!.SessionId);
    }

    [Theory]
    [InlineData("garbage")]
    [InlineData("{}")]
    [InlineData("""{"time":"x","uri":"/","edge":"e","status":200}""")]
    public void A_line_that_is_not_one_is_refused_with_a_cause(string line)
    {
        Assert.Null(reader.TryRead(line, Key, out var fault));
        Assert.StartsWith("not a line of the edge's access log", fault!.Value.Cause, StringComparison.Ordinal);
        Assert.False(fault.Value.IsForeign);
    }

    [Theory]
    [InlineData("1795337065746")]
    [InlineData("1795337065746000")]
    public void A_time_in_milliseconds_or_microseconds_is_the_same_time(string time) =>
        Assert.Equal(DateTimeOffset.FromUnixTimeMilliseconds(1795337065746), Read(("1795337065.746", time))!.Time);

    [Theory]
    [InlineData("1795337065.746", "1e400")]
    [InlineData("1795337065.746", "-1")]
    [InlineData("1795337065.746", "99999999999999999999")]
    [InlineData("1795337065.746", "1795350000")]
    [InlineData("\"duration\":0.012", "\"duration\":1e308")]
    [InlineData("\"duration\":0.012", "\"duration\":\"NaN\"")]
    [InlineData("\"upstream\":\"0.004, 0.002\"", "\"upstream\":\"Infinity\"")]
    [InlineData("\"bytes\":51234", "\"bytes\":-5")]
    [InlineData("\"bytes\":51234", "\"bytes\":99999999999999999999")]
    [InlineData("\"status\":200", "\"status\":20000")]
    public void A_number_out_of_its_range_is_refused(string old, string value) => Assert.Null(Read((old, value)));

    [Theory]
    [InlineData("0198c7d4-5a5c-7cc0-8f3f-0123456789ab", true)]
    [InlineData("", false)]
    [InlineData("not a session", false)]
    public void A_request_is_signed_where_the_edge_found_the_session_of_its_prefix(string session, bool signed)
    {
        var request = Read(("\"req_id\"", $"\"session\":\"{session}\",\"req_id\""))!;
        Assert.Equal((signed, signed ? session : "s-1"), (request.Signed, request.SessionId));
    }

    [Fact]
    public void A_line_of_another_edge_is_refused_and_its_own_file_names_its_edge()
    {
        Assert.Null(reader.TryRead(Line.ReplaceLineEndings(""), Key with { Edge = "edge-b" }, out var fault));
        Assert.True(fault!.Value.IsForeign);
        Assert.Contains("the key of edge 'edge-b'", fault.Value.Cause, StringComparison.Ordinal);
        var followed = reader.TryRead(
            Line.ReplaceLineEndings(""),
            new LogSource("edge-b", IsClaimed: false, Arrival),
            out _
        )!;
        Assert.Equal(("edge-b", "us"), (followed.Edge, followed.Region));
    }

    private CdnRequestServed? Read(params (string Old, string New)[] changes) =>
        reader.TryRead(
            changes.Aggregate(
                Line.ReplaceLineEndings(""),
                (line, change) => line.Replace(change.Old, change.New, StringComparison.Ordinal)
            ),
            Key,
            out _
        );
}
