using System.Reflection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace EventStream.EventStore.Postgres;

/// <summary>
/// Migrates before anything else of the role starts, and waits a bounded time for a PostgreSQL that is still
/// starting.
/// </summary>
public sealed partial class MigrateAtStart(
    Migrator migrator, string module, Assembly assembly, string folder, TimeProvider time, ILogger<MigrateAtStart> log)
    : IHostedService
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
                var applied = await migrator.ApplyAsync(module, assembly, folder, cancellationToken);
                if (applied > 0) Applied(module, applied);
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

    [LoggerMessage(1, LogLevel.Information, "Schema of '{Module}': {Count} steps applied.")]
    private partial void Applied(string module, int count);

    [LoggerMessage(2, LogLevel.Warning, "PostgreSQL does not answer yet: {Cause}")]
    private partial void Waiting(string cause);
}
