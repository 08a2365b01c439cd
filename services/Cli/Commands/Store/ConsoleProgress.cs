namespace EventStream.Cli.Commands.Store;

/// <summary>Writes progress to standard error, at most once a second.</summary>
internal sealed class ConsoleProgress<T>(Func<T, string> say) : IProgress<T>
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);
    private long last;

    public void Report(T value)
    {
        if (last != 0 && TimeProvider.System.GetElapsedTime(last) < Interval)
            return;
        System.Console.Error.WriteLine(say(value));
        last = TimeProvider.System.GetTimestamp();
    }
}
