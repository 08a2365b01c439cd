using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using EventStream.Contracts;
using EventStream.Media;

namespace EventStream.Encode.Worker;

/// <summary>
/// The lease of a task, and the receipt of its result, written beside the media. A lease keeps a second worker from
/// doing the same work after a rebalance; a receipt lets a repeated command answer at once. Both only save work:
/// without them the work is done again and overwrites what is there with the same.
/// </summary>
public sealed class TaskLeases(IMediaStore media, string worker, TimeProvider clock)
{
    /// <summary>A lease is renewed so often.</summary>
    public static readonly TimeSpan Renewal = TimeSpan.FromSeconds(2);

    /// <summary>A lease so old has run out: its worker is gone.</summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromSeconds(10);

    private const int SmallFileMax = 4 * 1024 * 1024;

    /// <summary>The worker that works on a task now, or null; this worker's own leases do not count.</summary>
    public async Task<string?> HolderAsync(ICommand command, CancellationToken cancellation)
    {
        if (await ReadAsync(LeaseKey(command), cancellation) is not { } text)
            return null;
        var lines = text.Split('\n');
        return
            lines.Length == 2
            && lines[0] != worker
            && DateTimeOffset.TryParse(lines[1], CultureInfo.InvariantCulture, DateTimeStyles.RoundtripKind, out var at)
            && clock.GetUtcNow() - at < Lifetime
            ? lines[0]
            : null;
    }

    /// <summary>Whether nothing more is to be encoded of a command's video.</summary>
    public async Task<bool> IsStoppedAsync(ICommand command, CancellationToken cancellation) =>
        await media.StatAsync(EncodeStop.KeyOf(EncodeTasks.Of(command).Video), cancellation) is not null;

    /// <summary>Removes the lease of a task that is done or not wanted, which a killed worker may have left.</summary>
    public Task ForgetAsync(ICommand command) => ForgetAsync(LeaseKey(command));

    /// <summary>Takes the lease of a task and renews it until the result is disposed, which gives it back.</summary>
    public async Task<TaskLease> HoldAsync(ICommand command, CancellationToken cancellation)
    {
        var key = LeaseKey(command);
        await WriteAsync(key, Lease(), cancellation);
        var (stop, stopped) = (new CancellationTokenSource(), new CancellationTokenSource());
        var renewal = Task.Run(() => RenewAsync(command, key, stopped, stop.Token), CancellationToken.None);
        return new TaskLease(renewal, stop, stopped, () => ForgetAsync(key));
    }

    /// <summary>What came of exactly this command before, where its output is still there.</summary>
    public async Task<IEvent?> ReceiptAsync(ICommand command, CancellationToken cancellation)
    {
        if (await ReadAsync(ReceiptKey(command), cancellation) is not { } text)
            return null;
        var parts = text.Split('\n', 3);
        if (parts.Length != 3 || parts[0] != Digest(command))
            return null;
        foreach (var output in TaskWork.OutputKeys(command))
        {
            if (await media.StatAsync(output, cancellation) is null)
                return null;
        }

        return MessageTypes.Read(parts[1], Encoding.UTF8.GetBytes(parts[2])) as IEvent;
    }

    /// <summary>Notes what came of a command.</summary>
    public Task WriteReceiptAsync(ICommand command, IEvent outcome, CancellationToken cancellation)
    {
        var written = Encoding.UTF8.GetString(MessageTypes.Write(outcome));
        var text = string.Join('\n', Digest(command), MessageTypes.NameOf(outcome.GetType()), written);
        return WriteAsync(ReceiptKey(command), text, cancellation);
    }

    /// <summary>What identifies the work: the command without its attempt, time and lane.</summary>
    private static string Digest(ICommand command)
    {
        IMessage plain = command switch
        {
            EncodeRung c => c with { RequestedAt = default, Attempt = 1, IsFirst = null },
            EncodeLadder c => c with { RequestedAt = default, Attempt = 1 },
            EncodeHighRange c => c with { RequestedAt = default, Attempt = 1 },
            EncodeAudio c => c with { RequestedAt = default, Attempt = 1 },
            JoinChunks c => c with { RequestedAt = default, Attempt = 1 },
            MakeThumbnails c => c with { RequestedAt = default, Attempt = 1 },
            MakeSubtitles c => c with { RequestedAt = default, Attempt = 1 },
            AnalyseSource c => c with { RequestedAt = default, Attempt = 1 },
            MeasureQuality c => c with { RequestedAt = default, Attempt = 1 },
            ProbeSource c => c with { RequestedAt = default, Attempt = 1 },
            _ => command,
        };
        return Convert.ToHexStringLower(SHA256.HashData(MessageTypes.Write(plain)));
    }

    /// <summary>The ending is frozen: workers of an earlier program look for it.</summary>
    private static string LeaseKey(ICommand command) => $"encode/{EncodeTasks.CommandKey(command)}.claim";

    private static string ReceiptKey(ICommand command) => $"encode/{EncodeTasks.CommandKey(command)}.receipt";

    private string Lease() => $"{worker}\n{clock.GetUtcNow():O}";

    private async Task RenewAsync(ICommand command, string key, CancellationTokenSource stopped, CancellationToken stop)
    {
        using var timer = new PeriodicTimer(Renewal, clock);
        while (await timer.WaitForNextTickAsync(stop))
        {
            await WriteAsync(key, Lease(), stop);
            if (await IsStoppedAsync(command, stop))
                await stopped.CancelAsync();
        }
    }

    private Task WriteAsync(string key, string text, CancellationToken cancellation) =>
        media.WriteAsync(key, new MemoryStream(Encoding.UTF8.GetBytes(text)), cancellation);

    private Task ForgetAsync(string key) => media.DeleteAsync(key, CancellationToken.None);

    private async Task<string?> ReadAsync(string key, CancellationToken cancellation)
    {
        try
        {
            await using var stream = await media.OpenReadAsync(key, cancellation);
            if (stream.Length > SmallFileMax)
                return null;
            using var reader = new StreamReader(stream, Encoding.UTF8);
            return await reader.ReadToEndAsync(cancellation);
        }
        catch (MediaNotFoundException)
        {
            return null;
        }
    }
}

/// <summary>A lease that is held and renewed, until it is disposed.</summary>
public sealed class TaskLease(
    Task renewal,
    CancellationTokenSource stop,
    CancellationTokenSource stopped,
    Func<Task> forget
) : IAsyncDisposable
{
    /// <summary>Cancelled where nothing more is to be encoded of the video.</summary>
    public CancellationToken Stopped => stopped.Token;

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        try
        {
            await renewal;
        }
        catch (Exception e) when (e is OperationCanceledException or IOException)
        {
            // A lease that could not be renewed has run out by itself.
        }

        stop.Dispose();
        stopped.Dispose();
        await forget();
    }
}
