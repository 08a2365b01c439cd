namespace EventStream.Cli.Supervisor;

/// <summary>
/// <c>client.env</c> of the data folder: addresses and credentials for scripts and people on this machine, as
/// <c>KEY=value</c> lines that a shell can source. Its names stay as they are; new ones may come.
/// </summary>
internal static class ClientEnv
{
    private const string Prefix = "EVENTSTREAM_";

    /// <summary>Writes the file in one step; only its owner may read it.</summary>
    public static void Write(DataFolder data, PortPlan ports) => data.WriteFile(data.ClientEnv, Text(data, ports));

    private static string Text(DataFolder data, PortPlan ports)
    {
        var lines = new List<string>
        {
            "# Addresses and credentials of this platform, written by `eventstream up`. Keys go as `Authorization: "
                + "Bearer KEY`.",
        };
        void Add(string name, string value) => lines.Add($"{Prefix}{name}={Quoted(value)}");
        foreach (var role in (string[])["upload", "playback", "collect", "console", "capacity", "clickhouse"])
            Add($"{role.ToUpperInvariant()}_URL", ports.Url(role));
        Add("CLICKHOUSE_READER_USER", "reader");
        if (File.Exists(data.SecretFile(DataFolder.ClickHouseReader)))
            Add("CLICKHOUSE_READER_PASSWORD", data.Secret(DataFolder.ClickHouseReader));
        Add("PUBLISHER_KEY", data.Secret(DataFolder.ApiKey));
        Add("OPERATOR_KEY", data.Secret(DataFolder.OperatorKey));
        Add("EDGE_LOG_KEY", data.Secret(DataFolder.EdgeLogKey(EdgePlace.All(ports)[0].Name)));
        if (File.Exists(data.KafkaClientFile))
            Add("KAFKA_CONFIG", data.KafkaClientFile);
        return string.Join('\n', lines) + "\n";
    }

    /// <summary>A value as a shell reads it back; quoted only where it has to be.</summary>
    private static string Quoted(string value) =>
        value.All(c => char.IsAsciiLetterOrDigit(c) || c is '/' or ':' or '.' or '-' or '_')
            ? value
            : $"'{value.Replace("'", "'\\''", StringComparison.Ordinal)}'";
}
