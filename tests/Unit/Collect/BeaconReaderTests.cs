using EventStream.Collect;
using EventStream.Collect.Cmcd;
using EventStream.Hosting;

namespace EventStream.Unit.Tests.Collect;

public sealed class BeaconReaderTests
{
    private static readonly DateTimeOffset Received = new(2026, 11, 22, 10, 0, 0, TimeSpan.Zero);
    private readonly BeaconReader reader = new(
        new EdgeNames([new PlatformEdge("edge-a", "", "http://127.0.0.1:7080", "http://127.0.0.1:7080", [])])
    );

    [Fact]
    public void A_response_event_names_the_edge_that_answered_and_keeps_the_line()
    {
        const string line =
            """br=(3406),e=rr,rc=200,sid="s1",sn=3,ts=1795337065746,ttfb=24,ttlb=25,url="http://127.0.0.1:7080/s/1/x/media/v/1.m4s",v=2""";
        var beacon = reader.TryRead(line, Context(), out var error)!;
        Assert.Null(error);
        Assert.Equal("edge-a", beacon.Edge);
        Assert.Equal(24, beacon.TtfbMs);
        Assert.Equal(line, beacon.Raw);
        Assert.Equal(DateTimeOffset.FromUnixTimeMilliseconds(1795337065746), beacon.Time);
        Assert.Equal("hls.js", beacon.Player);
    }

    [Fact]
    public void A_response_time_that_is_an_epoch_is_left_out() =>
        Assert.Null(
            reader.TryRead("""e=rr,sid="s",ts=1795337389000,ttfb=1795337389626,ttlb=21,v=2""", Context(), out _)!.TtfbMs
        );

    [Theory]
    [InlineData("br=(794),pb=(326)")]
    [InlineData("br=(794),cen=\"level-switched\",eventstream-pb=326")]
    public void The_bitrate_of_the_playhead_is_read_from_its_key_and_from_the_pages_own(string fields)
    {
        var beacon = reader.TryRead($"{fields},e=ce,sid=\"s\",ts=1,v=2", Context(), out _)!;
        Assert.Equal((794, 326), (beacon.BitrateKbps, beacon.PlayheadBitrateKbps));
    }

    [Fact]
    public void Without_a_content_id_the_video_of_the_request_is_taken() =>
        Assert.Equal("video-9", reader.TryRead("""e=t,sid="s",ts=1,v=2""", Context(), out _)!.ContentId);

    [Theory]
    [InlineData("""e=t,ts=1,v=2""", "session id (sid)")]
    [InlineData("""sid="s",ts=1,v=2""", "event (e)")]
    [InlineData("""sid="s",e=t,v=2""", "timestamp (ts")]
    [InlineData("""sid="s",e=t,ts=1,v=3""", "version 3")]
    [InlineData("""sid="s",e=t,ts=1,v=0""", "version 0")]
    [InlineData("""sid="s",e=t,ts=999999999999999,v=2""", "timestamp (ts")]
    [InlineData("""sid="s",e=t,ts=1,bl=9999999999999999,v=2""", "15 digits")]
    [InlineData("""sid="s",e=ttttttttttttttttttttttttttttttttt,ts=1,v=2""", "'e' is longer")]
    public void A_record_without_what_the_standard_requires_is_refused_by_name(string line, string sentence)
    {
        Assert.Null(reader.TryRead(line, Context(), out var error));
        Assert.Contains(sentence, error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_version_one_record_takes_the_time_of_its_arrival()
    {
        var beacon = reader.TryRead("""bl=4000,br=3272,cid="vid1",sid="s4",st=v""", Context(), out _)!;
        Assert.Equal(("v1", Received, 1), (beacon.Event, beacon.Time, beacon.Version));
    }

    [Theory]
    [InlineData("""e=t,sid="mine",ts=1,v=2""", true)]
    [InlineData("""cid="video-9",e=t,sid="mine",ts=1,v=2""", true)]
    [InlineData("""cid="video-8",e=t,sid="mine",ts=1,v=2""", false)]
    [InlineData("""e=t,sid="another",ts=1,v=2""", false)]
    public void A_proof_counts_for_its_own_session_and_video(string line, bool proven)
    {
        Assert.Equal(proven, reader.TryRead(line, Context() with { ProvenSession = "mine" }, out _)!.Proven);
        Assert.False(reader.TryRead(line, Context(), out _)!.Proven);
    }

    [Fact]
    public void A_sum_of_the_largest_numbers_is_still_a_number()
    {
        var line = $"bsd=({string.Join(' ', Enumerable.Repeat("999999999999999", 64))}),e=t,sid=\"s\",ts=1,v=2";
        Assert.True(double.IsFinite(reader.TryRead(line, Context(), out _)!.StallMs!.Value));
    }

    private static BeaconContext Context() => new("video-9", "hls.js", "eu", "desktop", Received);
}
