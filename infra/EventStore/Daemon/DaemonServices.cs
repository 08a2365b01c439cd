using EventStream.EventStore.Postgres;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace EventStream.EventStore.Daemon;

/// <summary>What the daemon needs from its role.</summary>
public sealed record DaemonServices(
    PostgresEventStore Store, NpgsqlDataSource Source, PostgresOptions Options, HighWater HighWater, TimeProvider Time,
    ILoggerFactory Logs);
