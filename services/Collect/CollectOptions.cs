using EventStream.Collect.CdnLogs;
using EventStream.Collect.Limits;
using EventStream.Hosting;
using EventStream.Tokens;
using Microsoft.Extensions.Configuration;

namespace EventStream.Collect;

/// <summary>Settings of the collector, section <c>Collect</c>.</summary>
public sealed record CollectOptions
{
    /// <summary>Largest body of a report or log batch, in bytes, counted after decompression.</summary>
    public int BodyBytesMax { get; init; } = 1024 * 1024;

    /// <summary>
    /// Longest wait for Kafka before a sender is asked to try again. A cluster needs about ten seconds until another
    /// broker leads the partitions of one that failed.
    /// </summary>
    public TimeSpan PublishTimeout { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>What clients may send: <c>Collect:Limits</c>.</summary>
    public LimitOptions Limits { get; init; } = new();

    /// <summary>
    /// Access logs of edges on this machine that are followed; empty where edges ship their logs by HTTP.
    /// </summary>
    public IReadOnlyList<FollowedLog> AccessLogs { get; init; } = [];

    /// <summary>Folder of the positions reached in the access logs.</summary>
    public string CheckpointFolder { get; init; } = "";

    /// <summary>
    /// The key of Playback's proofs, from its own settings <c>Playback:SigningKey</c> or
    /// <c>Playback:SigningKeyFile</c>.
    /// </summary>
    internal string SigningKey { get; private init; } = "";

    /// <summary>The edges of the platform, <c>Traffic:Edges</c>.</summary>
    internal IReadOnlyList<PlatformEdge> Edges { get; private init; } = [];

    /// <summary>Reads the settings; adds a sentence to <paramref name="errors"/> for each that is wrong.</summary>
    public static CollectOptions Read(IConfiguration configuration, ICollection<string> errors)
    {
        var before = errors.Count;
        var section = configuration.GetSection("Collect");
        foreach (var log in section.GetSection("AccessLogs").GetChildren())
        {
            if (string.IsNullOrEmpty(log["Edge"]) || string.IsNullOrEmpty(log["Path"]))
                errors.Add($"{log.Path} needs a Path and the name of its Edge.");
        }

        // A path without its edge's name cannot be bound; the error above says more than the binder would.
        var options =
            errors.Count == before
                ? new SettingsReader(configuration, "Collect", errors).Bind<CollectOptions>()
                : new CollectOptions();
        if (options.BodyBytesMax is < 1024 or > 64 * 1024 * 1024)
            errors.Add("Collect:BodyBytesMax must be 1 KiB to 64 MiB.");
        if (options.AccessLogs.Count > 0 && options.CheckpointFolder.Length == 0)
            errors.Add("Collect:CheckpointFolder must be set where Collect:AccessLogs is.");
        foreach (var fault in options.Limits.Faults())
            errors.Add(fault);
        return options with
        {
            SigningKey = SigningKeys.FromSettings(configuration, errors),
            Edges = PlatformEdge.Read(configuration, errors, needed: false),
        };
    }

    /// <summary>Text for a log, without the key.</summary>
    public override string ToString() => $"bodies up to {BodyBytesMax} bytes, {AccessLogs.Count} access logs followed";
}
