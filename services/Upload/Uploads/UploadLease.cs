using System.Collections.Concurrent;
using EventStream.Contracts;
using Microsoft.AspNetCore.Http;
using Npgsql;

namespace EventStream.Upload.Uploads;

/// <summary>
/// One writer at a time for each upload. In this process a newer request supersedes the older, whose connection is
/// often dead without anybody knowing; over processes a lease in PostgreSQL decides, and the later one gets 423.
/// </summary>
public sealed class UploadLeases(UploadTable table, TimeProvider time)
{
    /// <summary>How long a killed process keeps others out of its uploads.</summary>
    public static readonly TimeSpan Duration = TimeSpan.FromSeconds(6);

    private static readonly TimeSpan RenewInterval = TimeSpan.FromSeconds(2);

    /// <summary>How long a superseded request may take to stop.</summary>
    private static readonly TimeSpan YieldMax = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<VideoId, UploadLease> held = new();

    /// <summary>
    /// Takes the right to write. Throws <see cref="UploadProblemException"/> (423) while another process has it, or
    /// this one where it may not be superseded: a client's request is newer knowledge, work on the server's own is not.
    /// </summary>
    public async Task<UploadLease> TakeAsync(VideoId id, CancellationToken cancellation, bool supersede = true)
    {
        if (held.TryGetValue(id, out var older))
        {
            if (!supersede)
                throw Locked();
            await older.YieldAsync(YieldMax, cancellation);
        }

        var lease = new UploadLease(
            id,
            table,
            time,
            RenewInterval,
            ended => held.TryRemove(new(id, ended)),
            cancellation
        );
        if (!held.TryAdd(id, lease))
            throw Locked();
        try
        {
            if (!await table.LeaseAsync(id, lease.Writer, Duration, cancellation))
                throw Locked();
            lease.Begin();
            return lease;
        }
        catch
        {
            await lease.DisposeAsync();
            throw;
        }
    }

    /// <summary>Waits until a request of this process that writes to an upload has ended, for a bounded time.</summary>
    public async Task WaitForWriterAsync(VideoId id, CancellationToken cancellation)
    {
        if (held.TryGetValue(id, out var writer))
            await writer.EndedAsync(YieldMax, cancellation);
    }

    private static UploadProblemException Locked() =>
        new(
            StatusCodes.Status423Locked,
            "The upload is being written",
            $"Another request writes to this upload. Ask for the offset and go on in {Duration.TotalSeconds:0} seconds."
        );
}

/// <summary>The right to write to one upload, renewed until it is disposed.</summary>
public sealed class UploadLease(
    VideoId id,
    UploadTable table,
    TimeProvider time,
    TimeSpan renewInterval,
    Action<UploadLease> ended,
    CancellationToken request
) : IAsyncDisposable
{
    private readonly CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(request);
    private readonly TaskCompletionSource done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Task renewing = Task.CompletedTask;

    public VideoId Id { get; } = id;

    public Guid Writer { get; } = Guid.NewGuid();

    /// <summary>
    /// Cancelled when the request ends, is superseded, or loses the lease: no byte may be written after that.
    /// </summary>
    public CancellationToken Token => stop.Token;

    internal void Begin() => renewing = RenewAsync();

    /// <summary>Asks the holder to stop and waits for it.</summary>
    internal async Task YieldAsync(TimeSpan max, CancellationToken cancellation)
    {
        try
        {
            await stop.CancelAsync();
        }
        catch (ObjectDisposedException)
        {
            // It has just ended.
        }

        await EndedAsync(max, cancellation);
    }

    /// <summary>Waits for the holder; one that does not end in time keeps the lease, and others get 423.</summary>
    internal async Task EndedAsync(TimeSpan max, CancellationToken cancellation)
    {
        try
        {
            await done.Task.WaitAsync(max, time, cancellation);
        }
        catch (TimeoutException)
        {
            // The caller sees that the lease is still held.
        }
    }

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        await renewing;
        try
        {
            await table.ReleaseAsync(Id, Writer, CancellationToken.None);
        }
        catch (NpgsqlException)
        {
            // Without a database the lease runs out by itself.
        }

        ended(this);
        done.TrySetResult();
        stop.Dispose();
    }

    private async Task RenewAsync()
    {
        var renewed = time.GetTimestamp();
        while (true)
        {
            await Task.Delay(renewInterval, time, stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (stop.IsCancellationRequested)
                return;
            try
            {
                if (!await table.LeaseAsync(Id, Writer, UploadLeases.Duration, stop.Token))
                    break;
                renewed = time.GetTimestamp();
            }
            catch (Exception e) when (e is NpgsqlException or OperationCanceledException)
            {
                if (time.GetElapsedTime(renewed) + renewInterval > UploadLeases.Duration)
                    break;
            }
        }

        await stop.CancelAsync();
    }
}
