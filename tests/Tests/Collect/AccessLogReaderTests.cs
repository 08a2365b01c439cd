using EventStream.Collect.CdnLogs;

namespace EventStream.Tests.Collect;

public sealed class AccessLogReaderTests
{
    private const string Line =
        """
        {"time":1795337065.746,"edge":"edge-a","region":"eu","method":"GET","uri":"/media/0198c7d4-5a5c-7cc0-8f3f-0123456789ab/720p/3.m4s",
        "args":"CMCD=br%3D%283406%29%2Csid%3D%22s-1%22%2Cv%3D2&x=1","status":200,"bytes":51234,"duration":0.012,"upstream":"0.004, 0.002",
        "cache":"MISS","ua":"Chrome","req_id":"abc","cmcd_object":"","cmcd_request":"","cmcd_session":"","cmcd_status":""}
        """;

    private readonly AccessLogReader reader = new();

    [Fact]
    public void A_segment_request_tells_session_video_and_rendition()
    {
        var request = reader.TryRead(Line.ReplaceLineEndings(""), out var error)!;
        Assert.Null(error);
        Assert.Equal("s-1", request.SessionId);
        Assert.Equal("0198c7d4-5a5c-7cc0-8f3f-0123456789ab", request.VideoId);
        Assert.Equal("720p", request.Rendition);
        Assert.Equal((200, 51234L, 12.0, "MISS"),
            (request.Status, request.Bytes, request.DurationMs, request.CacheStatus));
        Assert.Equal(2, request.UpstreamMs!.Value, 6);
        Assert.Equal("""br=(3406),sid="s-1",v=2""", request.Cmcd);
    }

    [Fact]
    public void A_cmcd_header_wins_over_the_query()
    {
        var line = Line.ReplaceLineEndings("").Replace("\"cmcd_session\":\"\"",
            "\"cmcd_session\":\"sid=\\\"other\\\"\"", StringComparison.Ordinal);
        Assert.Equal("other", reader.TryRead(line, out _)!.SessionId);
    }

    [Theory]
    [InlineData("garbage")]
    [InlineData("{}")]
    [InlineData("""{"time":"x","uri":"/","edge":"e","status":200}""")]
    public void A_line_that_is_not_one_is_refused_with_a_cause(string line)
    {
        Assert.Null(reader.TryRead(line, out var error));
        Assert.StartsWith("not a line of the edge's access log", error, StringComparison.Ordinal);
    }
}
