using EventStream.Cli;
using EventStream.EventStore.Postgres;
using EventStream.EventStore.Tools;
using EventStream.Messaging.Kafka;
using EventStream.Tests.Kit;
using Npgsql;

namespace EventStream.Integration.Tests.Cli;

/// <summary><c>eventstream store ...</c> of the real executable, on schemas that no other test has.</summary>
internal sealed class StoreCli : IAsyncDisposable
{
    private static readonly TimeSpan TimeMax = TimeSpan.FromMinutes(2);
    private readonly PostgresOptions options;
    private readonly NpgsqlDataSource source;

    private StoreCli(PostgresOptions options)
    {
        this.options = options with { FormerSchema = options.Schema };
        source = options.CreateDataSource();
    }

    /// <summary>Where a former release would have its store.</summary>
    public string FormerSchema => options.FormerSchema;

    public static async Task<StoreCli> CreateAsync(string name)
    {
        var own = await PostgresFixture.OptionsAsync(name);
        return new StoreCli(own with { SchemaPrefix = own.Schema[..Math.Min(own.Schema.Length, 50)] + "_" });
    }

    /// <summary>The same on an address where no PostgreSQL is.</summary>
    public StoreCli Elsewhere() => new(options with { ConnectionString = $"Host=127.0.0.1;Port={FreePort.Next()}" });

    public string Schema(string service) => options.ForService(service).Schema;

    /// <summary>A service's store in this process.</summary>
    public OpenStore Open(string service, string? kafka = null) =>
        OpenStore.Of(
            StoreTool.Services.Single(known => known.Name == service),
            options,
            new KafkaOptions { Bootstrap = kafka ?? "127.0.0.1:1" }
        );

    /// <summary>Runs a verb that must succeed and returns what it wrote.</summary>
    public async Task<string> DoneAsync(params string[] arguments)
    {
        var (code, output, error) = await RunAsync(arguments);
        Assert.True(code == 0, $"store {string.Join(' ', arguments)}: {error}{output}");
        return output;
    }

    public Task<(int Code, string Output, string Error)> RunAsync(params string[] arguments) =>
        RunAsync(null, arguments);

    /// <summary>The same with the addresses of a broker.</summary>
    public async Task<(int Code, string Output, string Error)> RunAsync(string? kafka, string[] arguments)
    {
        var environment = Settings(kafka)
            .ToDictionary(pair => "EVENTSTREAM__" + pair.Key.Replace(":", "__").ToUpperInvariant(), pair => pair.Value);
        var (code, output, errors) = await Command.RunAsync(
            TimeMax,
            EventStreamProcess.Program,
            ["store", .. arguments],
            environment: environment
        );
        return (code, output, errors);
    }

    /// <summary>Starts the role of a service on the same schemas and returns when it is ready.</summary>
    public async Task<EventStreamProcess> StartRoleAsync(string role, string kafka, string folder)
    {
        var started = LaunchRole(role, kafka, folder);
        await started.UntilReadyAsync();
        return started;
    }

    public EventStreamProcess LaunchRole(string role, string kafka, string folder) =>
        EventStreamProcess.Launch(
            role,
            [
                .. Settings(kafka),
                ("Media:Root", Path.Combine(folder, "media")),
                ("Urls:console", "http://127.0.0.1:7000"),
            ]
        );

    public async Task ExecuteAsync(string sql)
    {
        await using var command = source.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }

    /// <summary>Rows as texts, one a row.</summary>
    public async Task<List<string>> RowsAsync(string sql)
    {
        await using var command = source.CreateCommand(sql);
        await using var row = await command.ExecuteReaderAsync();
        var rows = new List<string>();
        while (await row.ReadAsync())
            rows.Add(string.Join('|', Enumerable.Range(0, row.FieldCount).Select(i => $"{row.GetValue(i)}")));
        return rows;
    }

    public ValueTask DisposeAsync() => source.DisposeAsync();

    private (string Key, string Value)[] Settings(string? kafka) =>
        [
            ("Postgres:ConnectionString", options.ConnectionString),
            ("Postgres:Schema", options.FormerSchema),
            ("Postgres:SchemaPrefix", options.SchemaPrefix),
            ("Postgres:MasterKeyFile", PostgresFixture.MasterKeyFile.Value),
            ("Kafka:Bootstrap", kafka ?? "127.0.0.1:1"),
        ];
}
