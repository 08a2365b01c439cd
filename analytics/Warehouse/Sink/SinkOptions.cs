using EventStream.Hosting;
using Microsoft.Extensions.Configuration;

namespace EventStream.Warehouse.Sink;

/// <summary>The sink's settings, section <c>Warehouse</c>.</summary>
public sealed record SinkOptions
{
    /// <summary>Rows of a flush; a part of that size is written in well under a second.</summary>
    public int BatchRowsMax { get; init; } = 20_000;

    /// <summary>Bytes of the records of a flush, held until ClickHouse has them.</summary>
    public int BatchBytesMax { get; init; } = 16 << 20;

    /// <summary>
    /// Age of the oldest record of a flush, in milliseconds: about half of it is the wait of the typical row.
    /// </summary>
    public int BatchAgeMilliseconds { get; init; } = 500;

    /// <summary>Wait after a failure before the sink starts again from what it had planned, in milliseconds.</summary>
    public int RestartDelayMilliseconds { get; init; } = 1_000;

    /// <summary>
    /// Reads and checks the section; throws <see cref="RoleConfigurationException"/> naming every fault.
    /// </summary>
    public static SinkOptions From(IConfiguration configuration)
    {
        var options = configuration.GetSection("Warehouse").Get<SinkOptions>() ?? new SinkOptions();
        var faults = options.Faults().ToList();
        if (faults.Count > 0)
            throw new RoleConfigurationException(WarehouseRole.RoleName, string.Join(' ', faults));
        return options;
    }

    private IEnumerable<string> Faults()
    {
        if (BatchRowsMax is < 1 or > 500_000)
            yield return "Warehouse:BatchRowsMax must be 1 to 500000.";
        if (BatchBytesMax is < 64 << 10 or > 128 << 20)
            yield return "Warehouse:BatchBytesMax must be 64 KiB to 128 MiB.";
        if (BatchAgeMilliseconds is < 10 or > 60_000)
            yield return "Warehouse:BatchAgeMilliseconds must be 10 to 60000.";
        if (RestartDelayMilliseconds is < 10 or > 60_000)
            yield return "Warehouse:RestartDelayMilliseconds must be 10 to 60000.";
    }
}
