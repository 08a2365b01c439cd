using System.Diagnostics.Metrics;
using EventStream.EventStore.Postgres;
using EventStream.Messaging.Hosting;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace EventStream.EventStore.Readers;

/// <summary>What a reader of the whole store needs from its role.</summary>
public sealed record ReaderServices(
    IEventStore Store, NpgsqlDataSource Source, PostgresOptions Options, HighWater HighWater, TimeProvider Time,
    ILoggerFactory Logs);

/// <summary>
/// Reads every event of the store in order of position, from its checkpoint up to the high-water mark, for as long as
/// it owns its name: over all processes one at a time, held by an advisory lock. Another process takes over within
/// <see cref="StandbyInterval"/> of the owner's connection ending. It is woken by NOTIFY and polls besides.
/// </summary>
public abstract partial class StoreReader : BackgroundService
{
    /// <summary>How often one that does not own the name asks for it, and the pause after an error.</summary>
    public static readonly TimeSpan StandbyInterval = TimeSpan.FromSeconds(1);

    /// <summary>A lost wake-up costs at most this much delay.</summary>
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(100);

    /// <summary>While a transaction holds the mark back, its end is not notified to us; it is asked for.</summary>
    private static readonly TimeSpan PendingInterval = TimeSpan.FromMilliseconds(5);

    private readonly ReaderServices services;
    private readonly ILogger log;
    private long position;

    protected StoreReader(string name, ReaderServices services)
    {
        (Name, this.services) = (name, services);
        log = services.Logs.CreateLogger(GetType().Name);
        Telemetry.Meter.CreateObservableGauge(
            "eventstream.store.lag", () => new Measurement<long>(Lag, new KeyValuePair<string, object?>("reader", Name)),
            "{position}", "Positions between the high-water mark and what a reader has handled.");
    }

    /// <summary>The name of the checkpoint and of the lock.</summary>
    public string Name { get; }

    /// <summary>Whether this process is the one that reads.</summary>
    public bool IsOwner { get; private set; }

    /// <summary>Why it does not do its work, or null. Standing by for another owner is no trouble.</summary>
    public string? Trouble { get; private set; }

    /// <summary>Positions handled so far by this owner.</summary>
    public long Position => Volatile.Read(ref position);

    /// <summary>Positions that are safe to read and not handled yet; 0 while standing by.</summary>
    public long Lag => IsOwner ? Math.Max(0, services.HighWater.Current - Position) : 0;

    /// <summary>Most events of one batch: what is handled again, at most, after a crash.</summary>
    protected virtual int BatchMax => 500;

    /// <summary>
    /// Handles a batch and moves the checkpoint to its last position by <see cref="Checkpoint.MoveAsync"/>, in the
    /// transaction of what it writes where that is PostgreSQL too. What it throws is logged and the batch comes
    /// again.
    /// </summary>
    protected abstract Task HandleAsync(
        IReadOnlyList<RecordedEvent> batch, Checkpoint checkpoint, CancellationToken cancellation);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await OwnAsync(stoppingToken);
                Trouble = null;
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                Trouble = $"{Name}: {e.Message}";
                Failed(Name, e.Message);
            }
            finally
            {
                IsOwner = false;
            }

            await Task.Delay(StandbyInterval, services.Time,
                stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Reads while the lock is held; returns at once where another process holds it.</summary>
    private async Task OwnAsync(CancellationToken cancellation)
    {
        await using var connection = new NpgsqlConnection(OwnConnection());
        await connection.OpenAsync(cancellation);
        if (!await TryLockAsync(connection, cancellation)) return;
        var checkpoint = await Checkpoint.TakeAsync(services.Source, Name, cancellation);
        Volatile.Write(ref position, checkpoint.Position);
        IsOwner = true;
        Owning(Name, checkpoint.Position);
        while (true)
        {
            var batch = await services.Store.ReadAllAsync(checkpoint.Position, BatchMax, cancellation);
            if (batch.Count == 0)
            {
                Trouble = null;
                var wait = services.HighWater.HasPending ? PendingInterval : PollInterval;
                await connection.WaitAsync(wait, cancellation);
                continue;
            }

            await HandleAsync(batch, checkpoint, cancellation);
            Volatile.Write(ref position, checkpoint.Position);
        }
    }

    private async Task<bool> TryLockAsync(NpgsqlConnection connection, CancellationToken cancellation)
    {
        var key = $"reader:{services.Options.Schema}:{Name}";
        await using var command = new NpgsqlCommand("select pg_try_advisory_lock(hashtextextended($1, 0))", connection)
        {
            Parameters = { new() { Value = key } },
        };
        if (await command.ExecuteScalarAsync(cancellation) is not true) return false;
        await using var listen =
            new NpgsqlCommand($"listen {AppendSignal.ChannelOf(services.Options.Schema)}", connection);
        await listen.ExecuteNonQueryAsync(cancellation);
        return true;
    }

    /// <summary>
    /// A connection outside the pool: the lock lives exactly as long as it, and dies with the process.
    /// </summary>
    private string OwnConnection() => new NpgsqlConnectionStringBuilder(services.Options.ConnectionString)
    {
        Pooling = false,
        KeepAlive = 10,
        SearchPath = services.Options.Schema,
        ApplicationName = $"eventstream {Name}",
    }.ConnectionString;

    private void Owning(string reader, long from) => Log.Owning(log, reader, from);

    private void Failed(string reader, string cause) => Log.Failed(log, reader, cause);

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "{Reader} reads the store from position {From}.")]
        public static partial void Owning(ILogger logger, string reader, long from);

        [LoggerMessage(2, LogLevel.Warning, "{Reader} goes on from its checkpoint after: {Cause}")]
        public static partial void Failed(ILogger logger, string reader, string cause);
    }
}
