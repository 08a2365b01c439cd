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
    /// Reads the section; adds a sentence to <paramref name="errors"/> for each setting that is wrong.
    /// </summary>
    public static SinkOptions Read(IConfiguration configuration, ICollection<string> errors)
    {
        var options = new SettingsReader(configuration, "Warehouse", errors).Bind<SinkOptions>();
        if (options.BatchRowsMax is < 1 or > 500_000)
            errors.Add("Warehouse:BatchRowsMax must be 1 to 500000.");
        if (options.BatchBytesMax is < 64 << 10 or > 128 << 20)
            errors.Add("Warehouse:BatchBytesMax must be 64 KiB to 128 MiB.");
        if (options.BatchAgeMilliseconds is < 10 or > 60_000)
            errors.Add("Warehouse:BatchAgeMilliseconds must be 10 to 60000.");
        if (options.RestartDelayMilliseconds is < 10 or > 60_000)
            errors.Add("Warehouse:RestartDelayMilliseconds must be 10 to 60000.");
        return options;
    }
}
