namespace EventStream.Cli.Load;

/// <summary>How a crowd of simulated viewers behaves. The crowd follows a daily curve in compressed time.</summary>
public sealed record LoadOptions
{
    /// <summary>Most viewers that one run simulates; each holds a few kilobytes and a handful of requests.</summary>
    public const int ViewersLimit = 5_000;

    public required string VideoId { get; init; }

    /// <summary>Address of the playback role.</summary>
    public required string PlaybackUrl { get; init; }

    /// <summary>Viewers at the top of the curve; at its bottom there is about a seventh of them.</summary>
    public int ViewersPeak { get; init; } = 300;

    /// <summary>Wall time that one day of the curve takes.</summary>
    public TimeSpan Day { get; init; } = TimeSpan.FromSeconds(72);

    public double Days { get; init; } = 1;

    public int Seed { get; init; } = 1;

    /// <summary>Shares of viewers per region; they play from the edge that playback offers them.</summary>
    public IReadOnlyList<string> Regions { get; init; } = ["eu", "us"];

    /// <summary>Throws <see cref="CommandException"/> naming every option that is wrong.</summary>
    public void Validate()
    {
        var errors = new List<string>();
        if (!Guid.TryParse(VideoId, out _))
            errors.Add($"--video '{VideoId}' must be a video id");
        if (!Uri.TryCreate(PlaybackUrl, UriKind.Absolute, out var url) || !url.IsLoopback)
            errors.Add($"--playback '{PlaybackUrl}' must be a loopback address: load is for one's own machine");
        if (ViewersPeak is < 1 or > ViewersLimit)
            errors.Add($"--viewers {ViewersPeak} must be from 1 to {ViewersLimit}");
        if (Day < TimeSpan.FromSeconds(5) || Day > TimeSpan.FromHours(24))
            errors.Add("--day must be from 5 s to 24 h");
        if (Days is <= 0 or > 60)
            errors.Add("--days must be above 0 and at most 60");
        if (errors.Count > 0)
            throw new CommandException(string.Join("; ", errors) + ".");
    }
}
