using System.Threading.Channels;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace EventStream.EventStore.Postgres;

/// <summary>
/// Wakes the readers of the store after appends by NOTIFY. It is a hint: a reader that hears nothing polls.
/// </summary>
/// <remarks>
/// The NOTIFY is sent beside the append, one for all appends since the last, and not inside its transaction:
/// PostgreSQL commits transactions that notify one after another, which would take from concurrent writers their
/// shared flush to disk.
/// </remarks>
public sealed partial class AppendSignal(NpgsqlDataSource source, string schema, ILogger<AppendSignal> log)
    : BackgroundService
{
    // One waiting signal stands for any number of appends.
    private readonly Channel<bool> appended = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    /// <summary>The channel to LISTEN on for a schema.</summary>
    public static string ChannelOf(string schema) => $"{schema}_appended";

    /// <summary>Says that something was appended. Never waits.</summary>
    public void Appended() => appended.Writer.TryWrite(true);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await foreach (var _ in appended.Reader.ReadAllAsync(stoppingToken))
        {
            try
            {
                await using var command = source.CreateCommand($"notify {ChannelOf(schema)}");
                await command.ExecuteNonQueryAsync(stoppingToken);
            }
            catch (NpgsqlException e)
            {
                NotifyFailed(e.Message);
            }
        }
    }

    [LoggerMessage(1, LogLevel.Warning, "Readers were not woken ({Cause}); they find new events by polling.")]
    private partial void NotifyFailed(string cause);
}
