using System.Net.Sockets;
using EventStream.Cli.Supervisor;
using EventStream.Contracts;
using EventStream.EventStore;
using EventStream.EventStore.Daemon;
using EventStream.EventStore.Postgres;
using EventStream.EventStore.Projections;
using EventStream.EventStore.Relay;
using EventStream.Hosting;
using EventStream.Messaging.Kafka;
using EventStream.Processes.Postgres;
using EventStream.Upload;
using EventStream.Upload.Library;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace EventStream.Cli;

/// <summary>
/// The event store as the commands see it: the connection that settings or a data folder name, and what the platform's
/// roles put into a store.
/// </summary>
internal sealed class StoreTool : IAsyncDisposable
{
    private StoreTool(PostgresOptions options, KafkaOptions kafka)
    {
        (Options, Kafka) = (options, kafka);
        Source = options.CreateDataSource();
        var highWater = new HighWater(Source);
        var signal = new AppendSignal(Source, options.Schema, NullLogger<AppendSignal>.Instance);
        Services = new DaemonServices(
            new PostgresEventStore(
                Source, highWater, signal, new StoreOptions { MasterKey = options.MasterKey }), Source, options,
                    highWater, TimeProvider.System,
            NullLoggerFactory.Instance);
        Readers = new StoreReaders(Source, options, TimeProvider.System);
    }

    /// <summary>The modules of the schema, in the order in which they are applied.</summary>
    public static readonly IReadOnlyList<(string Name, System.Reflection.Assembly Assembly, string Folder)> Modules =
    [
        ("store", typeof(IEventStore).Assembly, "EventStore.Sql"),
        ("upload", typeof(UploadRole).Assembly, "Upload.Sql"),
    ];

    /// <summary>The projections that the platform's roles keep.</summary>
    public static readonly IReadOnlyList<(Projection Projection, ProjectionLifecycle Lifecycle)> Projections =
    [
        (new VideoListProjection(), ProjectionLifecycle.Async),
    ];

    /// <summary>What the relay carries.</summary>
    public static readonly IReadOnlyList<RelayRoute> Routes =
    [
        new(Video.Aggregate.Category, Topics.VideoEvents),
    ];

    public PostgresOptions Options { get; }

    public KafkaOptions Kafka { get; }

    public NpgsqlDataSource Source { get; }

    public DaemonServices Services { get; }

    public StoreReaders Readers { get; }

    /// <summary>
    /// Opens the store of a running platform's data folder, or that of the settings. Throws
    /// <see cref="CommandException"/> or <see cref="RoleConfigurationException"/> where there is none.
    /// </summary>
    public static StoreTool Open(string? dataFolder, string? configFile)
    {
        var overrides = new Dictionary<string, string?>();
        if (dataFolder is not null)
        {
            var data = new DataFolder(dataFolder);
            overrides["Postgres:ConnectionString"] = PostgresCluster.FindConnection(data.Of("postgres"))
                ?? throw new CommandException(
                    $"No PostgreSQL runs in '{data.Root}'. `eventstream up --data {data.Root}` starts one.");
            overrides["Postgres:MasterKeyFile"] = data.SecretFile(DataFolder.StoreMasterKey);
            if (RunFile.Read(data) is { } run) overrides["Kafka:Bootstrap"] = run.Kafka;
        }

        try
        {
            var configuration = RoleHost.ReadConfiguration(configFile, overrides);
            return new StoreTool(PostgresOptions.From(configuration, "store"), KafkaOptions.From(configuration));
        }
        catch (FileNotFoundException e)
        {
            throw new CommandException($"The configuration file '{configFile}' does not exist.", e);
        }
        catch (Exception e) when (e is InvalidDataException or FormatException)
        {
            throw new CommandException(
                $"The configuration file '{configFile}' is not valid JSON: {e.GetBaseException().Message}", e);
        }
    }

    /// <summary>Runs a command and turns what can go wrong into a sentence for the operator.</summary>
    public async Task<int> RunAsync(Func<Task<int>> command)
    {
        try
        {
            return await command();
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.UndefinedTable)
        {
            throw new CommandException(
                $"Schema '{Options.Schema}' holds no event store, or an older one ({e.MessageText}): run "
                + "`eventstream store migrate`.", e);
        }
        catch (PostgresException e)
        {
            throw new CommandException($"PostgreSQL refused: {e.MessageText} ({e.SqlState}).", e);
        }
        catch (Exception e) when (e is NpgsqlException or SocketException or TimeoutException)
        {
            var builder = new NpgsqlConnectionStringBuilder(Options.ConnectionString);
            throw new CommandException(
                $"PostgreSQL at {builder.Host}:{builder.Port} does not answer: {e.GetBaseException().Message}", e);
        }
        catch (Confluent.Kafka.KafkaException e)
        {
            throw new CommandException($"Kafka at {Kafka.Bootstrap} does not answer: {e.Error.Reason}.", e);
        }
        catch (Exception e) when (e is SchemaMismatchException or ProjectionStoppedException or RebuildRunsException
            or BadEventException or InvalidDataException or OpenTransactionException)
        {
            throw new CommandException(e.Message, e);
        }
    }

    /// <summary>A known projection. Throws <see cref="CommandException"/> naming those there are.</summary>
    public static (Projection Projection, ProjectionLifecycle Lifecycle) Named(string name)
    {
        foreach (var known in Projections)
            if (known.Projection.Name == name) return known;
        throw new CommandException($"'{name}' is not a projection. The projections are: "
            + $"{string.Join(", ", Projections.Select(known => known.Projection.Name))}.");
    }

    public ValueTask DisposeAsync()
    {
        Services.Store.Dispose();
        return Source.DisposeAsync();
    }
}
