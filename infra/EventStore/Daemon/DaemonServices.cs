using EventStream.EventStore.Postgres;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace EventStream.EventStore.Daemon;

/// <summary>What the daemon needs from its role.</summary>
public sealed record DaemonServices(
    PostgresEventStore Store, NpgsqlDataSource Source, PostgresOptions Options, HighWater HighWater, TimeProvider Time,
    ILoggerFactory Logs)
{
    /// <summary>How long an export or a replay waits for transactions that were open when it began.</summary>
    public TimeSpan SettlePatience { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>The position up to which everything is safe to read that was committed before the call.</summary>
    internal Task<long> SettleAsync(CancellationToken cancellation) =>
        HighWater.SettleAsync(SettlePatience, Time, cancellation);
}
