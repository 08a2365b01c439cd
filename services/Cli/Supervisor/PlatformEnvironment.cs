using EventStream.Hosting.Access;

namespace EventStream.Cli.Supervisor;

/// <summary>
/// The settings that the supervisor gives its children, as <c>EVENTSTREAM__*</c> variables. Secrets go by the name
/// of their file where the role can read one, and by the environment, which only the owner can see, where it cannot.
/// </summary>
internal sealed class PlatformEnvironment(DataFolder data, PortPlan ports, KafkaAccess kafka, int workersMax)
{
    private const string Prefix = "EVENTSTREAM__";

    /// <summary>
    /// Several .NET processes share a small machine: heaps give memory back early, and code is compiled without the
    /// profiles that pay only where a process has a machine to itself.
    /// </summary>
    private static readonly Dictionary<string, string> Runtime = new(StringComparer.Ordinal)
    {
        ["DOTNET_gcServer"] = "0",
        ["DOTNET_gcConcurrent"] = "0",
        ["DOTNET_GCConserveMemory"] = "5",
        ["DOTNET_GCHeapCount"] = "1",
        ["DOTNET_TieredPGO"] = "0",
    };

    /// <summary>The connection string, known once PostgreSQL runs.</summary>
    public string PostgresConnection { get; set; } = "";

    /// <summary>Viewers for whom one encode worker is kept, on a machine whose uploads follow its viewers.</summary>
    private const int ViewersPerWorker = 100;

    /// <summary>The environment of any child.</summary>
    public Dictionary<string, string> Common()
    {
        var all = new Dictionary<string, string>(Runtime, StringComparer.Ordinal);
        void Set(string key, string value) => all[Prefix + key.Replace(":", "__").ToUpperInvariant()] = value;
        foreach (var (key, value) in kafka.ClientSettings())
            Set(key, value);
        // While a role starts it is asked many times a second whether it is ready; each no would be an error in its
        // log.
        Set("Logging:LogLevel:Microsoft.Extensions.Diagnostics.HealthChecks", "None");
        // Media lie in the data folder unless the operator's environment names a bucket.
        if (Environment.GetEnvironmentVariable(Prefix + "MEDIA__S3__BUCKET") is null)
            Set("Media:Root", data.Media);
        Set("Postgres:ConnectionString", PostgresConnection);
        Set("Postgres:MasterKeyFile", data.SecretFile(DataFolder.StoreMasterKey));
        Set("Playback:SigningKeyFile", data.SecretFile(DataFolder.SigningKey));
        Set("Console:KeyFolder", data.Of("console"));
        Set("Access:ServiceKeyFile", data.SecretFile(DataFolder.ServiceKey));
        SetKeys(Set);
        SetPasswords(Set);
        foreach (var role in PortPlan.Roles)
        {
            Set($"Listen:{role}", ports.Url(role));
            Set($"Urls:{role}", ports.Url(role));
        }

        var edges = EdgePlace.All(ports);
        for (var i = 0; i < edges.Count; i++)
        {
            Set($"Traffic:Edges:{i}:Name", edges[i].Name);
            Set($"Traffic:Edges:{i}:Region", edges[i].Region);
            Set($"Traffic:Edges:{i}:Url", edges[i].Url);
            Set($"Collect:AccessLogs:{i}:Path", Path.Combine(data.Of("edges"), edges[i].Name, "access.log"));
            Set($"Collect:AccessLogs:{i}:Edge", edges[i].Name);
        }

        Set("Traffic:DnsPort", $"{ports.Dns}");
        Set("Collect:CheckpointFolder", data.Of("collect"));
        Set("Capacity:ModelFolder", data.Of("models"));
        ScaleEncodeWorkers(Set);
        return all;
    }

    /// <summary>
    /// Roles know the hashes of keys only; the keys themselves stay in their files. Their entries have names, so that
    /// those of the operator's environment, which count from 0, are beside them.
    /// </summary>
    private void SetKeys(Action<string, string> set)
    {
        var keys = new List<(string Name, AccessRole Role, string Secret)>
        {
            ("studio", AccessRole.Publisher, DataFolder.ApiKey),
            ("operator", AccessRole.Operator, DataFolder.OperatorKey),
        };
        keys.AddRange(
            EdgePlace.All(ports).Select(edge => (edge.Name, AccessRole.Edge, DataFolder.EdgeLogKey(edge.Name)))
        );
        for (var i = 0; i < keys.Count; i++)
        {
            set($"Access:Keys:Platform{i}:Name", keys[i].Name);
            set($"Access:Keys:Platform{i}:Role", KeyAuthentication.Word(keys[i].Role));
            set($"Access:Keys:Platform{i}:Sha256", AccessOptions.Hash(data.Secret(keys[i].Secret)));
        }
    }

    /// <summary>The same as settings of a role that runs in the supervisor's own process.</summary>
    public Dictionary<string, string?> Settings() =>
        Common()
            .Where(pair => pair.Key.StartsWith(Prefix, StringComparison.Ordinal))
            .ToDictionary(
                pair => pair.Key[Prefix.Length..].Replace("__", ":", StringComparison.Ordinal),
                string? (pair) => pair.Value,
                StringComparer.OrdinalIgnoreCase
            );

    /// <summary>
    /// ClickHouse's users. The passwords stay in their files, which the roles read; somebody's own server has its own.
    /// </summary>
    private void SetPasswords(Action<string, string> set)
    {
        foreach (
            var (setting, secret) in ((string, string)[])
                [("Password", DataFolder.ClickHouseWriter), ("ReaderPassword", DataFolder.ClickHouseReader)]
        )
        {
            _ = data.Secret(secret);
            set($"ClickHouse:{setting}File", data.SecretFile(secret));
        }
    }

    public Dictionary<string, string> Broker() =>
        With([("Broker:DataFolder", data.Of("broker")), ("Broker:Port", $"{ports.Kafka}"), .. kafka.BrokerSettings()]);

    public Dictionary<string, string> ClickHouse() => With(("ClickHouse:DataFolder", data.Of("clickhouse")));

    public Dictionary<string, string> Worker(int slot) =>
        With(
            ("Listen:encode-worker", $"http://127.0.0.1:{ports.Worker(slot)}"),
            ("Encode:WorkerId", $"encode-worker-{slot + 1}"),
            ("Encode:WorkFolder", Path.Combine(data.Of("encode"), $"{slot + 1}"))
        );

    /// <summary>The autoscaler's target, unless the operator's environment names targets of its own.</summary>
    private void ScaleEncodeWorkers(Action<string, string> set)
    {
        if (Environment.GetEnvironmentVariable(Prefix + "CAPACITY__TARGETS__0__NAME") is not null)
            return;
        set("Capacity:Targets:0:Name", WorkerPool.Target);
        set("Capacity:Targets:0:Resource", "viewers");
        set("Capacity:Targets:0:UnitsPerReplica", $"{ViewersPerWorker}");
        set("Capacity:Targets:0:MinReplicas", $"{WorkerPool.Min}");
        set("Capacity:Targets:0:MaxReplicas", $"{workersMax}");
        set("Capacity:Targets:0:Actuator", "supervisor");
    }

    private Dictionary<string, string> With(params (string Key, string Value)[] more)
    {
        var all = Common();
        foreach (var (key, value) in more)
            all[Prefix + key.Replace(":", "__").ToUpperInvariant()] = value;
        return all;
    }
}
