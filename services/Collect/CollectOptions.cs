using EventStream.Hosting;
using Microsoft.Extensions.Configuration;

namespace EventStream.Collect;

/// <summary>Settings of the collector, section <c>Collect</c>.</summary>
public sealed record CollectOptions
{
    /// <summary>Largest body of a report or log batch, in bytes.</summary>
    public int BodyBytesMax { get; init; } = 1024 * 1024;

    /// <summary>
    /// Longest wait for Kafka before a sender is told to try again. A cluster needs about ten seconds until another
    /// broker leads the partitions of one that failed.
    /// </summary>
    public TimeSpan PublishTimeout { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>
    /// Access logs of edges on this machine that are followed; empty where edges ship their logs by HTTP.
    /// </summary>
    public IReadOnlyList<string> AccessLogs { get; init; } = [];

    /// <summary>Folder of the positions reached in the access logs.</summary>
    public string CheckpointFolder { get; init; } = "";

    /// <summary>How often a log that was read to its end is looked at again.</summary>
    public TimeSpan FollowInterval { get; init; } = TimeSpan.FromMilliseconds(200);

    /// <summary>Lines of one log that are published before the position is written.</summary>
    public int LinesPerBatchMax { get; init; } = 1000;

    /// <summary>
    /// Reads and checks the section. Throws <see cref="RoleConfigurationException"/> naming every fault.
    /// </summary>
    public static CollectOptions From(IConfiguration configuration)
    {
        var options = configuration.GetSection("Collect").Get<CollectOptions>() ?? new CollectOptions();
        var faults = new List<string>();
        if (options.BodyBytesMax is < 1024
            or > 64 * 1024 * 1024) faults.Add("Collect:BodyBytesMax must be 1 KiB to 64 MiB");
        if (options.LinesPerBatchMax is < 1 or > 100_000) faults.Add("Collect:LinesPerBatchMax must be 1 to 100000");
        if (options.AccessLogs.Count > 0 && options.CheckpointFolder.Length == 0)
            faults.Add("Collect:CheckpointFolder must be set where Collect:AccessLogs is");
        return faults.Count == 0 ? options : throw new RoleConfigurationException("collect", string.Join("; ", faults));
    }
}
