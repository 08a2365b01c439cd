using EventStream.Contracts;
using EventStream.Hosting;
using EventStream.Playback.Edges;
using EventStream.Tokens;
using Microsoft.Extensions.Configuration;

namespace EventStream.Playback;

/// <summary>Settings of the playback role.</summary>
public sealed record PlaybackOptions
{
    /// <summary><c>Playback:SigningKey</c>, or the content of the file <c>Playback:SigningKeyFile</c>.</summary>
    public required string SigningKey { get; init; }

    /// <summary>
    /// <c>Playback:TokenLifetimeSeconds</c>: how long a session's URLs open the media; 60 s to 7 days.
    /// </summary>
    public TimeSpan TokenLifetime { get; init; } = TimeSpan.FromHours(6);

    /// <summary>
    /// <c>Playback:VideosMax</c>: videos held in memory. Each takes one to two kilobytes, so the default stays
    /// below 200 MB; beyond it the one whose last event is oldest is dropped.
    /// </summary>
    public int VideosMax { get; init; } = 100_000;

    /// <summary>
    /// <c>Playback:SessionsPerMinute</c>: sessions that one client address may open in the long run. Many viewers may
    /// share an address.
    /// </summary>
    public int SessionsPerMinute { get; init; } = 1200;

    /// <summary><c>Playback:SessionsBurst</c>: sessions that one client address may open at once.</summary>
    public int SessionsBurst { get; init; } = 600;

    /// <summary>
    /// <c>Traffic:Edges</c>: the edges in their configured order, used while Traffic does not answer.
    /// </summary>
    public required IReadOnlyList<EdgeAddress> Edges { get; init; }

    /// <summary><c>Urls:traffic</c>, where this role asks for the order of edges.</summary>
    public required string TrafficUrl { get; init; }

    /// <summary><c>Urls:Public:traffic</c>, else <c>Urls:traffic</c>: where players ask for steering.</summary>
    public required string SteeringUrl { get; init; }

    /// <summary><c>Urls:Public:collect</c>, else <c>Urls:collect</c>: where players send their beacons.</summary>
    public required string CollectUrl { get; init; }

    /// <summary>Reads the settings; adds a sentence to <paramref name="errors"/> for each that is wrong.</summary>
    public static PlaybackOptions Read(IConfiguration configuration, ICollection<string> errors)
    {
        var read = new SettingsReader(configuration, "Playback", errors);
        return new PlaybackOptions
        {
            SigningKey = SigningKeys.FromSettings(configuration, errors),
            TokenLifetime = TimeSpan.FromSeconds(read.Whole("TokenLifetimeSeconds", 21_600, 60, 604_800)),
            VideosMax = read.Whole("VideosMax", 100_000, 1, 10_000_000),
            SessionsPerMinute = read.Whole("SessionsPerMinute", 1200, 1, 1_000_000),
            SessionsBurst = read.Whole("SessionsBurst", 600, 1, 1_000_000),
            Edges =
            [
                .. PlatformEdge
                    .Read(configuration, errors)
                    .Select(edge => new EdgeAddress(edge.Name, edge.Region, edge.PublicUrl)),
            ],
            TrafficUrl = RoleAddresses.Url(configuration, "traffic"),
            SteeringUrl = RoleAddresses.PublicUrl(configuration, "traffic"),
            CollectUrl = RoleAddresses.PublicUrl(configuration, "collect"),
        };
    }

    /// <summary>
    /// Where a player of <paramref name="format"/>, <c>hls</c> or <c>dash</c>, asks Traffic which edge to use. The
    /// region travels in the URL, since players add only their own keys.
    /// </summary>
    internal string SteeringUrlOf(string format, VideoId video, string region) =>
        $"{SteeringUrl}/v1/steering/{format}?region={Uri.EscapeDataString(region)}&video={video}";

    /// <summary>Text for a log, without the key.</summary>
    public override string ToString() => $"edges {string.Join(", ", Edges)}, token lifetime {TokenLifetime}";
}
