namespace EventStream.Edge;

/// <summary>
/// Keeps an access log bounded: past <see cref="EdgeProcess.AccessLogBytesMax"/> it renames the file to <c>.1</c>,
/// and older ones one step up, then has nginx reopen the log. Lines written before the reopening go to the renamed
/// file; none is lost.
/// </summary>
internal sealed class EdgeLogRotation(string path, Action reopen) : IAsyncDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(2);
    private readonly Timer timer = new(_ => Look(path, reopen), null, Interval, Interval);

    public ValueTask DisposeAsync() => timer.DisposeAsync();

    /// <summary>
    /// Rotates once where the log is larger than <paramref name="bytesMax"/>, and says whether it did.
    /// </summary>
    public static bool RotateIfLarge(string path, long bytesMax, int filesMax, Action reopen)
    {
        var log = new FileInfo(path);
        if (!log.Exists || log.Length <= bytesMax)
            return false;
        for (var number = filesMax; number > 0; number--)
        {
            var source = number == 1 ? path : $"{path}.{number - 1}";
            if (File.Exists(source))
                File.Move(source, $"{path}.{number}", overwrite: true);
        }

        reopen();
        return true;
    }

    private static void Look(string path, Action reopen)
    {
        try
        {
            RotateIfLarge(path, EdgeProcess.AccessLogBytesMax, EdgeProcess.AccessLogFilesMax, reopen);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The log stays as it is until the next look; nginx goes on writing it.
        }
    }
}
