using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using EventStream.Contracts;
using EventStream.Messaging.Kafka;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace EventStream.Collect.CdnLogs;

/// <summary>
/// The access log of an edge on this machine. Its lines are those of the edge named here, whatever name they carry.
/// </summary>
public sealed record FollowedLog
{
    /// <summary>The file that nginx writes.</summary>
    public string Path { get; init; } = "";

    /// <summary>Name of the edge.</summary>
    public string Edge { get; init; } = "";
}

/// <summary>
/// Follows access logs of edges on this machine, over their rotation. The position is written after Kafka has
/// acknowledged the lines before it: a stop in between repeats lines, which their request ids identify, and loses none.
/// </summary>
public sealed partial class AccessLogFollower(
    CollectOptions options,
    Intake intake,
    TimeProvider clock,
    ILogger<AccessLogFollower> logger
) : BackgroundService
{
    /// <summary>Lines of one log that are published before the position is written.</summary>
    private const int LinesPerBatchMax = 1000;

    /// <summary>How often a log that was read to its end is looked at again.</summary>
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(200);

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Task.WhenAll(options.AccessLogs.Select(log => FollowAsync(log, stoppingToken)));

    private async Task FollowAsync(FollowedLog log, CancellationToken stopping)
    {
        var cursor = new LogCursor(log.Path, options.CheckpointFolder);
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                if (await PassAsync(cursor, log.Edge, stopping) > 0)
                    continue;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or PublishException)
            {
                Failed(logger, log.Path, e.Message);
            }
            catch (OperationCanceledException)
            {
                return;
            }

            await Task.Delay(Interval, clock, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>One pass: publishes the next lines of a log and returns how many there were.</summary>
    private async Task<int> PassAsync(LogCursor cursor, string edge, CancellationToken cancellation)
    {
        var lines = cursor.ReadLines(LinesPerBatchMax);
        if (lines.Count == 0)
            return 0;
        var source = new LogSource(edge, IsClaimed: false, clock.GetUtcNow());
        await intake.PublishAsync(Topics.CdnRequests, intake.ReadLogLines(lines, source), cancellation);
        cursor.Advance();
        return lines.Count;
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Path} cannot be followed now: {Reason}")]
    private static partial void Failed(ILogger logger, string path, string reason);
}

/// <summary>
/// The position in one log: the identity of the file and the bytes of whole lines that are done. After a rotation the
/// old file, now under the name <c>.1</c>, is read to its end before the new one is begun.
/// </summary>
internal sealed class LogCursor
{
    private const int BlockBytes = 256 * 1024;
    private const int FirstLineBytesMax = 4096;
    private readonly string path;
    private readonly string checkpoint;
    private long position;
    private string identity = "";
    private long pending;

    public LogCursor(string path, string checkpointFolder)
    {
        this.path = path;
        Directory.CreateDirectory(checkpointFolder);
        var name = Path.GetFullPath(path).Trim('/').Replace('/', '_');
        checkpoint = Path.Combine(checkpointFolder, $"{name}.position");
        if (!File.Exists(checkpoint))
            return;
        var parts = File.ReadAllText(checkpoint).Split(' ');
        if (parts.Length == 2 && long.TryParse(parts[1], out var saved))
            (identity, position) = (parts[0], saved);
    }

    /// <summary>The next whole lines, at most <paramref name="linesMax"/>; none where there is nothing new.</summary>
    public List<string> ReadLines(int linesMax)
    {
        foreach (var candidate in (string[])[path + ".1", path])
        {
            if (!File.Exists(candidate))
                continue;
            using var file = new FileStream(
                candidate,
                FileMode.Open,
                FileAccess.Read,
                FileShare.ReadWrite | FileShare.Delete
            );
            var found = IdentityOf(file);
            // An older file counts only while it is the one that was being read.
            if (candidate != path && found != identity)
                continue;
            if (found != identity)
                (identity, position) = (found, 0);
            if (position > file.Length)
                position = 0;
            var lines = ReadFrom(file, linesMax);
            if (lines.Count > 0)
                return lines;
        }

        return [];
    }

    /// <summary>Notes that the lines read last are done.</summary>
    public void Advance()
    {
        position = pending;
        var temporary = checkpoint + ".tmp";
        File.WriteAllText(temporary, string.Create(CultureInfo.InvariantCulture, $"{identity} {position}"));
        File.Move(temporary, checkpoint, overwrite: true);
    }

    private List<string> ReadFrom(FileStream file, int linesMax)
    {
        file.Seek(position, SeekOrigin.Begin);
        var buffer = new byte[Math.Min(BlockBytes, file.Length - position)];
        var count = file.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false);
        var lines = new List<string>();
        var start = 0;
        while (lines.Count < linesMax)
        {
            var end = Array.IndexOf(buffer, (byte)'\n', start, count - start);
            if (end < 0)
                break;
            if (end > start)
                lines.Add(Encoding.UTF8.GetString(buffer, start, end - start));
            start = end + 1;
        }

        // A line longer than a block cannot be one of ours; it is passed over rather than read again and again.
        if (start == 0 && count == BlockBytes)
            start = count;
        pending = position + start;
        if (lines.Count == 0 && start > 0)
            position = pending;
        return lines;
    }

    /// <summary>
    /// Distinguishes one file from the next under the same name, by the digest of its first line: every line has a
    /// request id of its own, so no two files begin alike. File numbers would not do, as a file system gives them out
    /// again. "empty" while there is no whole line.
    /// </summary>
    private static string IdentityOf(FileStream file)
    {
        var buffer = new byte[FirstLineBytesMax];
        file.Seek(0, SeekOrigin.Begin);
        var count = file.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false);
        var end = Array.IndexOf(buffer, (byte)'\n', 0, count);
        return end < 0 && count < FirstLineBytesMax
            ? "empty"
            : Convert.ToHexStringLower(SHA256.HashData(buffer.AsSpan(0, end < 0 ? count : end)).AsSpan(0, 8));
    }
}
