using System.Text.RegularExpressions;

namespace EventStream.Journey;

/// <summary>
/// Addresses and credentials from the <c>client.env</c> that <c>eventstream up</c> writes into its data folder: the
/// demonstration knows what a user's script knows, and nothing else.
/// </summary>
public sealed partial class ClientEnv
{
    private const string Prefix = "EVENTSTREAM_";
    private readonly Dictionary<string, string> values = new(StringComparer.Ordinal);

    /// <summary>
    /// Reads the file of a data folder. Throws <see cref="JourneyException"/> where there is none.
    /// </summary>
    public static ClientEnv Read(string data)
    {
        var path = Path.Combine(data, "client.env");
        if (!File.Exists(path))
            throw new JourneyException($"'{path}' is missing although the platform is up");
        var env = new ClientEnv();
        foreach (var line in File.ReadLines(path))
        {
            var split = line.IndexOf('=', StringComparison.Ordinal);
            if (split > 0 && line.StartsWith(Prefix, StringComparison.Ordinal))
                env.values[line[Prefix.Length..split]] = Unquoted(line[(split + 1)..]);
        }

        return env;
    }

    /// <summary>A publisher's key.</summary>
    public string PublisherKey => Of("PUBLISHER_KEY");

    /// <summary>An operator's key.</summary>
    public string OperatorKey => Of("OPERATOR_KEY");

    /// <summary>Address of ClickHouse.</summary>
    public string ClickHouseUrl => Of("CLICKHOUSE_URL");

    /// <summary>The reader of ClickHouse.</summary>
    public string ClickHouseUser => Of("CLICKHOUSE_READER_USER");

    /// <summary>The reader's password; empty where it has none.</summary>
    public string ClickHousePassword => values.GetValueOrDefault("CLICKHOUSE_READER_PASSWORD", "");

    /// <summary>
    /// Settings of a Kafka client, from the properties file that <c>EVENTSTREAM_KAFKA_CONFIG</c> names: what librdkafka
    /// knows of them. Empty where none is named.
    /// </summary>
    public IReadOnlyDictionary<string, string> KafkaSettings()
    {
        var settings = new Dictionary<string, string>(StringComparer.Ordinal);
        if (!values.TryGetValue("KAFKA_CONFIG", out var path))
            return settings;
        foreach (var line in File.ReadLines(path).Select(line => line.Trim()))
        {
            var split = line.IndexOf('=', StringComparison.Ordinal);
            if (split <= 0 || line[0] == '#')
                continue;
            var (key, value) = (line[..split].Trim(), line[(split + 1)..].Trim());
            if (key == "sasl.jaas.config")
            {
                // Java clients have their credentials in one line; it names them as librdkafka's settings do.
                foreach (Match match in Credential().Matches(value))
                    settings.TryAdd($"sasl.{match.Groups["name"].Value}", match.Groups["value"].Value);
            }
            else if (
                key
                is "security.protocol"
                    or "sasl.mechanism"
                    or "sasl.username"
                    or "sasl.password"
                    or "bootstrap.servers"
            )
            {
                settings[key] = value;
            }
        }

        return settings;
    }

    private static string Unquoted(string value) =>
        value is ['\'', .. var inner, '\''] ? inner.Replace("'\\''", "'", StringComparison.Ordinal) : value;

    private string Of(string name) =>
        values.TryGetValue(name, out var value)
            ? value
            : throw new JourneyException($"client.env has no {Prefix}{name}");

    [GeneratedRegex("(?<name>username|password)=\"(?<value>[^\"]*)\"", RegexOptions.None, 1000)]
    private static partial Regex Credential();
}
