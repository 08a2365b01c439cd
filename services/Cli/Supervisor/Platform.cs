namespace EventStream.Cli.Supervisor;

/// <summary>
/// The whole platform on this machine: its units in the order in which they need each other, started in that order and
/// stopped in the reverse one.
/// </summary>
internal sealed class Platform : IAsyncDisposable
{
    private readonly PlatformOptions options;
    private readonly IConfiguration configuration;
    private readonly TimeProvider clock;
    private readonly Action<string> say;
    private readonly KafkaAccess kafka;
    private readonly PlatformEnvironment environment;
    private readonly IReadOnlyList<IReadOnlyList<Supervised>> steps;

    public Platform(PlatformOptions options, IConfiguration configuration, TimeProvider clock, Action<string> say)
    {
        (this.options, this.configuration, this.clock, this.say) = (options, configuration, clock, say);
        Data = new DataFolder(options.DataFolder);
        Ports = new PortPlan(options.BasePort);
        kafka = KafkaAccess.Of(options);
        environment = new PlatformEnvironment(Data, Ports, kafka, options.EncodeWorkersMax);
        Workers = new WorkerPool(slot => Supervise(Worker(slot)), options.EncodeWorkersMax, say);
        Edges = EdgePlace
            .All(Ports)
            .Select(place => (place, unit: Supervise(new EdgeUnit(place, Data, Ports, configuration))))
            .ToDictionary(pair => pair.place.Name, pair => pair.unit, StringComparer.Ordinal);
        steps = Plan();
    }

    public DataFolder Data { get; }

    public PortPlan Ports { get; }

    /// <summary>Bootstrap address of the broker in use.</summary>
    public string Kafka => kafka.Bootstrap;

    public WorkerPool Workers { get; }

    /// <summary>The edges by name, for the failover demonstration.</summary>
    public IReadOnlyDictionary<string, Supervised> Edges { get; }

    /// <summary>Settings of the supervisor's own web application, once PostgreSQL runs.</summary>
    public Dictionary<string, string?> Settings => environment.Settings();

    /// <summary>Every unit that is planned or runs, in the order of the start.</summary>
    public IEnumerable<Supervised> Units => steps.SelectMany(step => step).Concat(Workers.Snapshot());

    /// <summary>
    /// Starts everything in the data folder, which exists, and returns when all of it is ready. Calls
    /// <paramref name="serve"/> before the last step: the autoscaler is ready once it reaches the supervisor's routes.
    /// Throws <see cref="CommandException"/> with the cause when a part does not start; what had started is stopped by
    /// <see cref="DisposeAsync"/>.
    /// </summary>
    public async Task StartAsync(Func<Task> serve, CancellationToken cancellation)
    {
        options.Validate();
        Ports.CheckFree(ownBroker: options.Kafka is null, Edges.Count);
        foreach (var name in (string[])[DataFolder.SigningKey, DataFolder.StoreMasterKey, DataFolder.ServiceKey])
            Data.Secret(name);
        kafka.Write(configuration);
        foreach (var step in steps.SkipLast(1))
            await Task.WhenAll(step.Select(unit => StartAsync(unit, cancellation)));
        await Workers.StartAsync(options.EncodeWorkers, cancellation);
        foreach (var worker in Workers.Snapshot())
            say($"{worker.Unit.Name, -16} ready");
        await serve();
        await Task.WhenAll(steps[^1].Select(unit => StartAsync(unit, cancellation)));
    }

    public async ValueTask DisposeAsync()
    {
        await Workers.StopAsync();
        foreach (var step in steps.Reverse())
            await Task.WhenAll(step.Select(unit => unit.StopAsync()));
    }

    private async Task StartAsync(Supervised unit, CancellationToken cancellation)
    {
        var started = clock.GetTimestamp();
        await unit.StartAsync(cancellation);
        say(
            $"{unit.Unit.Name, -16} ready after {clock.GetElapsedTime(started).TotalSeconds, 4:0.0} s  "
                + $"({string.Join(", ", unit.Unit.Roles)})"
        );
    }

    private List<IReadOnlyList<Supervised>> Plan()
    {
        var ground = new List<Supervised>
        {
            Supervise(new PostgresUnit(Data, Ports, environment, configuration, clock)),
        };
        if (options.Kafka is null)
            ground.Add(Child("broker", environment.Broker, "broker"));
        ground.Add(Child("clickhouse", environment.ClickHouse, "clickhouse"));
        ground.AddRange(Edges.Values);
        string[] services = ["upload", "playback", "traffic", "collect", "encode", "console"];
        return
        [
            ground,
            [Child("services", () => environment.Child(), services)],
            [Child("analytics", () => environment.Child(), "qoe", "warehouse", "capacity")],
        ];
    }

    private Supervised Supervise(IUnit unit) => new(unit, clock, say);

    private Supervised Child(string name, Func<Dictionary<string, string>> variables, params string[] roles)
    {
        var urls = roles.Select(role => $"{Ports.Url(role)}/health/ready").ToArray();
        return Supervise(new ChildUnit(name, roles, urls, variables, configuration, Data.Logs));
    }

    private ChildUnit Worker(int slot) =>
        new(
            $"encode-worker-{slot + 1}",
            ["encode-worker"],
            [$"http://127.0.0.1:{Ports.Worker(slot)}/health/ready"],
            () => environment.Worker(slot),
            configuration,
            Data.Logs
        );
}
