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

    /// <summary>Viewers for whom one encode worker is kept, on a machine whose uploads follow its viewers.</summary>
    private const int ViewersPerWorker = 100;

    /// <summary>The connection string, known once PostgreSQL runs.</summary>
    public string PostgresConnection { get; set; } = "";

    /// <summary>The settings of every role, as <c>Section:Key</c>.</summary>
    public Dictionary<string, string?> Settings()
    {
        var all = new Dictionary<string, string?>(kafka.ClientSettings(), StringComparer.OrdinalIgnoreCase)
        {
            ["Postgres:ConnectionString"] = PostgresConnection,
            ["Postgres:MasterKeyFile"] = data.SecretFile(DataFolder.StoreMasterKey),
            ["Playback:SigningKeyFile"] = data.SecretFile(DataFolder.SigningKey),
            ["Console:KeyFolder"] = data.Of("console"),
            ["Access:ServiceKeyFile"] = data.SecretFile(DataFolder.ServiceKey),
            // ClickHouse's passwords stay in their files, which the roles read; somebody's own server has its own.
            ["ClickHouse:PasswordFile"] = data.MadeSecretFile(DataFolder.ClickHouseWriter),
            ["ClickHouse:ReaderPasswordFile"] = data.MadeSecretFile(DataFolder.ClickHouseReader),
            ["Traffic:DnsPort"] = $"{ports.Dns}",
            ["Collect:CheckpointFolder"] = data.Of("collect"),
            ["Capacity:ModelFolder"] = data.Of("models"),
        };
        // Media lie in the data folder unless the operator's environment names a bucket.
        if (!IsNamed("MEDIA__S3__BUCKET"))
            all["Media:Root"] = data.Media;
        foreach (var role in PortPlan.Roles)
            all[$"Listen:{role}"] = all[$"Urls:{role}"] = ports.Url(role);
        AddKeys(all);
        AddEdges(all);
        if (!IsNamed("CAPACITY__TARGETS__0__NAME"))
            AddScalingTarget(all);
        return all;
    }

    /// <summary>The environment of a child, with settings of its own.</summary>
    public Dictionary<string, string> Child(params IEnumerable<(string Key, string Value)> own)
    {
        var all = new Dictionary<string, string>(Runtime, StringComparer.Ordinal);
        foreach (var (key, value) in Settings().Select(pair => (pair.Key, pair.Value!)).Concat(own))
            all[Prefix + key.Replace(":", "__").ToUpperInvariant()] = value;
        return all;
    }

    public Dictionary<string, string> Broker() =>
        Child([("Broker:DataFolder", data.Of("broker")), ("Broker:Port", $"{ports.Kafka}"), .. kafka.BrokerSettings()]);

    public Dictionary<string, string> ClickHouse() => Child(("ClickHouse:DataFolder", data.Of("clickhouse")));

    public Dictionary<string, string> Worker(int slot) =>
        Child(
            ("Listen:encode-worker", $"http://127.0.0.1:{ports.Worker(slot)}"),
            ("Encode:WorkerId", $"encode-worker-{slot + 1}"),
            ("Encode:WorkFolder", Path.Combine(data.Of("encode"), $"{slot + 1}"))
        );

    private static bool IsNamed(string setting) => Environment.GetEnvironmentVariable(Prefix + setting) is not null;

    /// <summary>
    /// Roles know the hashes of keys only; the keys themselves stay in their files. Their entries have names, so that
    /// those of the operator's environment, which count from 0, are beside them.
    /// </summary>
    private void AddKeys(Dictionary<string, string?> all)
    {
        (string Name, AccessRole Role, string Secret)[] keys =
        [
            ("studio", AccessRole.Publisher, DataFolder.ApiKey),
            ("operator", AccessRole.Operator, DataFolder.OperatorKey),
            .. EdgePlace.All(ports).Select(edge => (edge.Name, AccessRole.Edge, DataFolder.EdgeLogKey(edge.Name))),
        ];
        foreach (var (i, key) in keys.Index())
        {
            all[$"Access:Keys:Platform{i}:Name"] = key.Name;
            all[$"Access:Keys:Platform{i}:Role"] = KeyAuthentication.Word(key.Role);
            all[$"Access:Keys:Platform{i}:Sha256"] = AccessOptions.Hash(data.Secret(key.Secret));
        }
    }

    private void AddEdges(Dictionary<string, string?> all)
    {
        foreach (var (i, edge) in EdgePlace.All(ports).Index())
        {
            all[$"Traffic:Edges:{i}:Name"] = edge.Name;
            all[$"Traffic:Edges:{i}:Region"] = edge.Region;
            all[$"Traffic:Edges:{i}:Url"] = edge.Url;
            all[$"Collect:AccessLogs:{i}:Path"] = Path.Combine(data.Of("edges"), edge.Name, "access.log");
            all[$"Collect:AccessLogs:{i}:Edge"] = edge.Name;
        }
    }

    /// <summary>The autoscaler's target, unless the operator's environment names targets of its own.</summary>
    private void AddScalingTarget(Dictionary<string, string?> all)
    {
        all["Capacity:Targets:0:Name"] = WorkerPool.Target;
        all["Capacity:Targets:0:Resource"] = "viewers";
        all["Capacity:Targets:0:UnitsPerReplica"] = $"{ViewersPerWorker}";
        all["Capacity:Targets:0:MinReplicas"] = $"{WorkerPool.Min}";
        all["Capacity:Targets:0:MaxReplicas"] = $"{workersMax}";
        all["Capacity:Targets:0:Actuator"] = "supervisor";
    }
}
