using System.Collections.Concurrent;
using System.Diagnostics;

namespace EventStream.Processes;

/// <summary>
/// Starts every program that has to end with this process, from one thread that lives as long as it. A child asks the
/// kernel for a signal when its parent is gone, and to the kernel the parent is the thread that forked: from the thread
/// pool, a child would be ended whenever an idle thread is.
/// </summary>
public static class ProcessSpawner
{
    private static readonly BlockingCollection<(
        ProcessStartInfo Info,
        TaskCompletionSource<Process> Started
    )> Waiting = [];

    static ProcessSpawner() =>
        new Thread(Run, maxStackSize: 256 * 1024) { IsBackground = true, Name = "spawner" }.Start();

    /// <summary>
    /// The words in front of a command line that have the kernel send the program a signal such as <c>TERM</c> when
    /// this process is gone; none where the system lacks <c>setpriv</c>.
    /// </summary>
    public static IReadOnlyList<string> EndedBy(string signal) =>
        Tools.Find("setpriv") is { } setpriv ? [setpriv, "--pdeathsig", signal, "--"] : [];

    /// <summary>
    /// Starts a program, given as the words of its command line, with pipes for its standard input, output and error.
    /// Throws <see cref="System.ComponentModel.Win32Exception"/> where it cannot be started.
    /// </summary>
    public static Task<Process> StartAsync(
        IReadOnlyList<string> words,
        IReadOnlyDictionary<string, string>? environment = null
    )
    {
        var info = new ProcessStartInfo(words[0], words.Skip(1))
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (name, value) in environment ?? new Dictionary<string, string>())
            info.Environment[name] = value;
        var started = new TaskCompletionSource<Process>(TaskCreationOptions.RunContinuationsAsynchronously);
        Waiting.Add((info, started));
        return started.Task;
    }

    private static void Run()
    {
        foreach (var (info, started) in Waiting.GetConsumingEnumerable())
        {
            try
            {
                started.SetResult(Process.Start(info)!);
            }
            catch (Exception e)
            {
                started.SetException(e);
            }
        }
    }
}
