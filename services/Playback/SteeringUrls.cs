using EventStream.Contracts;

namespace EventStream.Playback;

/// <summary>
/// Where a player asks Traffic which edge to use. The region travels in the URL, since players add only their own
/// keys.
/// </summary>
internal sealed class SteeringUrls(PlaybackOptions options)
{
    public string Hls(VideoId video, string region) => Of("hls", video, region);

    public string Dash(VideoId video, string region) => Of("dash", video, region);

    private string Of(string format, VideoId video, string region) =>
        $"{options.SteeringUrl}/v1/steering/{format}?region={Uri.EscapeDataString(region)}&video={video}";
}
