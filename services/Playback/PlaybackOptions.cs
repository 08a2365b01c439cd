using EventStream.Hosting;
using EventStream.Media;
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

    /// <summary>
    /// Reads the settings. Throws one <see cref="RoleConfigurationException"/> that names every error.
    /// </summary>
    public static PlaybackOptions From(IConfiguration configuration)
    {
        var errors = new List<string>();
        var key = SigningKeys.FromSettings(configuration, errors);
        var media = new List<string>();
        MediaRegistration.Check(configuration, media);
        errors.AddRange(media.Select(error => $"{error}."));
        var lifetime = Number(configuration, "Playback:TokenLifetimeSeconds", 60, 604_800, 21_600, errors);
        var videos = Number(configuration, "Playback:VideosMax", 1, 10_000_000, 100_000, errors);
        var perMinute = Number(configuration, "Playback:SessionsPerMinute", 1, 1_000_000, 1200, errors);
        var burst = Number(configuration, "Playback:SessionsBurst", 1, 1_000_000, 600, errors);
        var edges = EdgeAddress.Read(configuration, errors);
        if (errors.Count > 0) throw new RoleConfigurationException("playback", string.Join(' ', errors));
        return new PlaybackOptions
        {
            SigningKey = key,
            TokenLifetime = TimeSpan.FromSeconds(lifetime),
            VideosMax = videos,
            SessionsPerMinute = perMinute,
            SessionsBurst = burst,
            Edges = edges,
            TrafficUrl = RoleAddresses.Url(configuration, "traffic"),
            SteeringUrl = RoleAddresses.PublicUrl(configuration, "traffic"),
            CollectUrl = RoleAddresses.PublicUrl(configuration, "collect"),
        };
    }

    /// <summary>Text for a log, without the key.</summary>
    public override string ToString() =>
        $"edges {string.Join(", ", Edges)}, token lifetime {TokenLifetime}";

    private static int Number(IConfiguration configuration, string key, int min, int max, int fallback,
        List<string> errors)
    {
        if (configuration[key] is not { } text) return fallback;
        if (int.TryParse(text, out var value) && value >= min && value <= max) return value;
        errors.Add($"{key}: '{text}' is not a whole number in {min}..{max}.");
        return fallback;
    }
}
