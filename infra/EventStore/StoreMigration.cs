using EventStream.EventStore.Former;
using EventStream.EventStore.Postgres;
using JasperFx;
using Marten;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace EventStream.EventStore;

/// <summary>
/// Brings the schema of a service to what this program expects. Safe to run in many processes at a time.
/// </summary>
public sealed class StoreMigration(
    IDocumentStore store,
    NpgsqlDataSource source,
    ServiceStore service,
    PostgresOptions postgres
)
{
    /// <summary>Longest wait for another process that migrates the same schema.</summary>
    private static readonly TimeSpan TurnPatience = TimeSpan.FromSeconds(60);

    /// <summary>
    /// Applies what is missing: keys of persons, the service's plain tables, then Marten's. Throws
    /// <see cref="SchemaMismatchException"/> when the schema is newer than this program.
    /// </summary>
    public async Task ApplyAsync(CancellationToken cancellation)
    {
        var migrator = new Migrator(source, postgres.Schema);
        await migrator.ApplyAsync("keys", typeof(ServiceStore).Assembly, "ServiceStore.Sql", cancellation);
        if (service.Sql is var (assembly, folder))
            await migrator.ApplyAsync(service.Name, assembly, folder, cancellation);
        // Marten compares and creates without a lock: of two processes that start together, one would find its tables
        // missing and then in the way.
        await using var connection = await source.OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        await using var turn = new NpgsqlCommand("select pg_advisory_xact_lock(hashtextextended($1, 0))", connection)
        {
            CommandTimeout = (int)TurnPatience.TotalSeconds,
        }.With($"migrate Marten:{postgres.Schema}");
        await turn.ExecuteNonQueryAsync(cancellation);
        await store.Storage.Database.ApplyAllConfiguredChangesToDatabaseAsync(
            AutoCreate.CreateOrUpdate,
            ct: cancellation
        );
        await transaction.CommitAsync(cancellation);
    }

    /// <summary>
    /// Throws when Marten's tables are not those that this program expects, and says how they differ.
    /// </summary>
    public Task AssertAsync(CancellationToken cancellation) =>
        store.Storage.Database.AssertDatabaseMatchesConfigurationAsync(cancellation);

    /// <summary>
    /// Writes to a file the SQL that <see cref="ApplyAsync"/> would run on Marten's tables. Returns false, and writes
    /// nothing, where nothing is missing.
    /// </summary>
    public async Task<bool> WriteAsync(string file, CancellationToken cancellation)
    {
        var database = store.Storage.Database;
        var migration = await database.CreateMigrationAsync(cancellation);
        if (migration.Difference == Weasel.Core.SchemaPatchDifference.None)
            return false;
        await database.Migrator.WriteMigrationFileAsync(file, migration, cancellation);
        return true;
    }
}

/// <summary>
/// Before anything else of the role starts: refuses to run beside a former store that is not imported, then migrates.
/// Waits a bounded time for a PostgreSQL that is still starting.
/// </summary>
internal sealed partial class MigrateStoreAtStart(
    StoreMigration migration,
    NpgsqlDataSource source,
    ServiceStore service,
    PostgresOptions postgres,
    TimeProvider time,
    ILogger<MigrateStoreAtStart> log
) : IHostedService
{
    /// <summary>How long a PostgreSQL may take to answer; roles and database start at the same time.</summary>
    public static readonly TimeSpan PatienceMax = TimeSpan.FromSeconds(60);

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500);

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var started = time.GetTimestamp();
        while (true)
        {
            try
            {
                await FormerStore.CheckAsync(
                    source,
                    postgres.FormerSchema,
                    service.Category,
                    postgres.Schema,
                    cancellationToken
                );
                if (postgres.MigrateAtStart)
                    await migration.ApplyAsync(cancellationToken);
                return;
            }
            catch (NpgsqlException e) when (e.IsTransient && time.GetElapsedTime(started) < PatienceMax)
            {
                Waiting(e.Message);
                await Task.Delay(Pause, time, cancellationToken);
            }
        }
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    [LoggerMessage(1, LogLevel.Warning, "PostgreSQL does not answer yet: {Cause}")]
    private partial void Waiting(string cause);
}
