using System.Globalization;

namespace EventStream.Cli.Supervisor;

/// <summary>What one platform on one machine is started with.</summary>
public sealed record PlatformOptions
{
    public required string DataFolder { get; init; }

    public int BasePort { get; init; } = PortPlan.DefaultBase;

    /// <summary>
    /// Addresses of an Apache Kafka to use instead of the platform's own broker, HOST:PORT with commas between several.
    /// </summary>
    public string? Kafka { get; init; }

    /// <summary>Encode workers at the start.</summary>
    public int EncodeWorkers { get; init; } = 1;

    /// <summary>Most encode workers at once: each may keep a core busy.</summary>
    public int EncodeWorkersMax { get; init; } = Math.Clamp(Environment.ProcessorCount, 2, PortPlan.WorkersMax);

    /// <summary>Throws <see cref="CommandException"/> naming every option that is wrong.</summary>
    public void Validate()
    {
        var errors = new List<string>();
        if (BasePort is < 1024 or > 60_000)
            errors.Add($"--base-port {BasePort} must be from 1024 to 60000");
        if (EncodeWorkersMax is < 1 or > PortPlan.WorkersMax)
            errors.Add($"--max-encode-workers {EncodeWorkersMax} must be from 1 to {PortPlan.WorkersMax}");
        else if (EncodeWorkers < 1 || EncodeWorkers > EncodeWorkersMax)
            errors.Add($"--encode-workers {EncodeWorkers} must be from 1 to {EncodeWorkersMax}");
        if (Kafka is not null && !Kafka.Split(',').All(IsAddress))
            errors.Add($"--kafka '{Kafka}' must be HOST:PORT, or several with commas between");
        if (errors.Count > 0)
            throw new CommandException(string.Join("; ", errors) + ".");
    }

    private static bool IsAddress(string text)
    {
        var colon = text.LastIndexOf(':');
        return colon > 0
            && ushort.TryParse(text[(colon + 1)..], CultureInfo.InvariantCulture, out var port)
            && port > 0;
    }
}

/// <summary>An edge of the platform on this machine.</summary>
internal sealed record EdgePlace(string Name, string Region, int Port)
{
    public string Url => $"http://127.0.0.1:{Port}";

    /// <summary>Two edges, one for each of two regions.</summary>
    public static IReadOnlyList<EdgePlace> All(PortPlan ports) =>
        [new("edge-a", "eu", ports.Edge(0)), new("edge-b", "us", ports.Edge(1))];
}
