using System.Net.Sockets;
using EventStream.Cli.Commands;
using EventStream.Cli.Supervisor;
using EventStream.Encode;
using EventStream.EventStore;
using EventStream.EventStore.Postgres;
using EventStream.EventStore.Tools;
using EventStream.Hosting;
using EventStream.Messaging.Kafka;
using EventStream.Processes;
using EventStream.Processes.Postgres;
using EventStream.Upload;
using Npgsql;

namespace EventStream.Cli;

/// <summary>
/// The stores of the services as the commands see them: on the PostgreSQL that settings name, or on that of a data
/// folder, which is started for the length of the command where no platform runs it.
/// </summary>
internal sealed class StoreTool : IAsyncDisposable
{
    /// <summary>Every service that keeps a store.</summary>
    public static readonly IReadOnlyList<ServiceStore> Services = [UploadStore.Service, EncodeStore.Service];

    private readonly PostgresCluster? started;
    private readonly List<OpenStore> stores = [];

    private StoreTool(PostgresOptions postgres, KafkaOptions kafka, PostgresCluster? started)
    {
        (Postgres, Kafka, this.started) = (postgres, kafka, started);
        stores.AddRange(Services.Select(service => OpenStore.Of(service, postgres, kafka)));
    }

    /// <summary>The platform's settings.</summary>
    public PostgresOptions Postgres { get; }

    public KafkaOptions Kafka { get; }

    /// <summary>
    /// Opens the stores of a data folder or of the settings. Throws <see cref="CommandException"/> or
    /// <see cref="RoleConfigurationException"/> where there are none.
    /// </summary>
    public static async Task<StoreTool> OpenAsync(
        string? dataFolder,
        string? configFile,
        CancellationToken cancellation
    )
    {
        var overrides = new Dictionary<string, string?>();
        var cluster = dataFolder is null ? null : await UseAsync(new DataFolder(dataFolder), overrides, cancellation);
        try
        {
            var configuration = CommandLine.ReadSettings(configFile, overrides);
            return new StoreTool(
                RoleOptions.Read("store", configuration, PostgresOptions.Read),
                RoleOptions.Read("store", configuration, KafkaOptions.Read),
                cluster
            );
        }
        catch
        {
            if (cluster is not null)
                await cluster.DisposeAsync();
            throw;
        }
    }

    /// <summary>The stores of one service, or of all. Throws <see cref="CommandException"/> for another name.</summary>
    public IReadOnlyList<OpenStore> Of(string? service)
    {
        if (service is null)
            return stores;
        var chosen = stores.Where(store => store.Service.Name == service).ToList();
        return chosen.Count > 0
            ? chosen
            : throw new CommandException(
                $"'{service}' keeps no store. The services are: "
                    + $"{string.Join(", ", Services.Select(known => known.Name))}."
            );
    }

    /// <summary>
    /// The store of a stream, such as <c>video-0190...</c>, and the stream's id. Throws <see cref="CommandException"/>
    /// for any other text.
    /// </summary>
    public (OpenStore Store, Guid Id) OfStream(string stream)
    {
        var hyphen = stream.IndexOf('-', StringComparison.Ordinal);
        var store = stores.FirstOrDefault(s => hyphen > 0 && s.Service.Category == stream[..hyphen]);
        return store is not null && Guid.TryParse(stream.AsSpan(hyphen + 1), out var id)
            ? (store, id)
            : throw new CommandException(
                $"'{stream}' is no stream. A stream is named by its category and its id: "
                    + $"{string.Join(" or ", Services.Select(known => $"{known.Category}-UUID"))}."
            );
    }

    /// <summary>Runs a command and turns what can go wrong into a sentence for the operator.</summary>
    public async Task<int> RunAsync(Func<Task<int>> command)
    {
        try
        {
            return await command();
        }
        catch (Exception e) when (Sentence(e) is { } sentence)
        {
            throw new CommandException(sentence, e);
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var store in stores)
            await store.DisposeAsync();
        if (started is not null)
            await started.DisposeAsync();
    }

    private string? Sentence(Exception e) =>
        e switch
        {
            CommandException => null,
            PostgresException
            {
                SqlState: PostgresErrorCodes.UndefinedTable
                    or PostgresErrorCodes.InvalidSchemaName
                    or PostgresErrorCodes.UndefinedFunction
                    or PostgresErrorCodes.UndefinedColumn
            } missing => $"The schema is not what this program expects ({missing.MessageText}): run "
                + "`eventstream store migrate`.",
            PostgresException refused => $"PostgreSQL refused: {refused.MessageText} ({refused.SqlState}).",
            NpgsqlException or SocketException or TimeoutException =>
                $"PostgreSQL at {Address(Postgres)} does not answer: {e.GetBaseException().Message}",
            Confluent.Kafka.KafkaException kafka =>
                $"Kafka at {Kafka.Bootstrap} does not answer: {kafka.Error.Reason}.",
            SchemaMismatchException
            or InvalidDataException
            or OpenTransactionException
            or ImportException
            or LiveReadersException
            or LiveReadModelException => e.Message,
            _ => e.InnerException is { } inner ? Sentence(inner) : null,
        };

    private static string Address(PostgresOptions postgres)
    {
        var server = new NpgsqlConnectionStringBuilder(postgres.ConnectionString);
        return $"{server.Host}:{server.Port}";
    }

    /// <summary>Points the settings to a data folder; starts its PostgreSQL where none runs.</summary>
    private static async Task<PostgresCluster?> UseAsync(
        DataFolder data,
        Dictionary<string, string?> settings,
        CancellationToken cancellation
    )
    {
        if (!File.Exists(data.SecretFile(DataFolder.StoreMasterKey)) || !Directory.Exists(data.Of("postgres")))
            throw new CommandException($"'{data.Root}' holds no store: `eventstream up --data {data.Root}` makes one.");
        settings["Postgres:MasterKeyFile"] = data.SecretFile(DataFolder.StoreMasterKey);
        if (RunFile.Read(data) is { } run)
        {
            foreach (var (key, value) in KafkaAccess.Of(data, run).ClientSettings())
                settings[key] = value;
            settings["Postgres:ConnectionString"] =
                PostgresCluster.FindConnection(data.Of("postgres"))
                ?? throw new CommandException($"The platform in '{data.Root}' has not started its PostgreSQL yet.");
            return null;
        }

        try
        {
            var server = await PostgresCluster.StartAsync(data.Of("postgres"), TcpPorts.Free(), cancellation);
            settings["Postgres:ConnectionString"] = server.ConnectionString;
            return server;
        }
        catch (PostgresClusterException e)
        {
            throw new CommandException($"postgres: {e.Message}", e);
        }
    }
}
