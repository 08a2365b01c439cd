using EventStream.Hosting;

namespace EventStream.Console;

/// <summary>Settings of the console, section <c>Console</c>.</summary>
public sealed record ConsoleOptions
{
    /// <summary>Longest time in which a role that was asked sends nothing.</summary>
    public TimeSpan UpstreamTimeout { get; init; } = TimeSpan.FromSeconds(8);

    /// <summary>Database of ClickHouse in which a query of the data page names tables.</summary>
    public string Database { get; init; } = "es";

    /// <summary>Longest wait for ClickHouse to answer a query from the data page.</summary>
    public TimeSpan QueryTimeout { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>Rows of a result that the data page shows; ClickHouse stops there.</summary>
    public int QueryRowsMax { get; init; } = 1000;

    /// <summary>Longest query, in characters.</summary>
    public int QueryLengthMax { get; init; } = 20_000;

    /// <summary>Largest answer that the console itself reads, in bytes.</summary>
    public int AnswerBytesMax { get; init; } = 16 * 1024 * 1024;

    /// <summary>Pages of one user that may listen to live data at once; one more ends the oldest.</summary>
    public int ListenersPerUserMax { get; init; } = 8;

    /// <summary>Pages of all users that may listen to live data at once.</summary>
    public int ListenersMax { get; init; } = 2000;

    /// <summary>Time after which a browser has to sign in again.</summary>
    public TimeSpan SessionLifetime { get; init; } = TimeSpan.FromHours(12);

    /// <summary>
    /// Folder of the keys that encrypt session cookies. Null keeps them in memory: sessions then end with the process,
    /// and one console does not know those of another.
    /// </summary>
    public string? KeyFolder { get; init; }

    /// <summary>Reads the settings; adds a sentence to <paramref name="errors"/> for each that is wrong.</summary>
    public static ConsoleOptions Read(IConfiguration configuration, ICollection<string> errors)
    {
        var options = new SettingsReader(configuration, "Console", errors).Bind<ConsoleOptions>();
        if (options.UpstreamTimeout <= TimeSpan.Zero)
            errors.Add("Console:UpstreamTimeout must be above zero.");
        if (options.QueryTimeout <= TimeSpan.Zero)
            errors.Add("Console:QueryTimeout must be above zero.");
        if (options.QueryRowsMax is < 1 or > 100_000)
            errors.Add("Console:QueryRowsMax must be 1 to 100000.");
        if (options.ListenersMax < 1)
            errors.Add("Console:ListenersMax must be at least 1.");
        if (options.ListenersPerUserMax < 1)
            errors.Add("Console:ListenersPerUserMax must be at least 1.");
        if (options.SessionLifetime <= TimeSpan.Zero)
            errors.Add("Console:SessionLifetime must be above zero.");
        if (options.KeyFolder is { } folder && FolderFault(folder) is { } fault)
            errors.Add($"Console:KeyFolder '{folder}' cannot be used: {fault}");
        return options;
    }

    private static string? FolderFault(string folder)
    {
        try
        {
            Directory.CreateDirectory(folder);
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return e.Message;
        }
    }
}
