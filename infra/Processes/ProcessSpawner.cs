using System.Collections.Concurrent;
using System.Diagnostics;
using Microsoft.Extensions.Configuration;

namespace EventStream.Processes;

/// <summary>
/// Starts every child from one thread that lives as long as this object. A child asks the kernel (through <c>setpriv
/// --pdeathsig</c>) for SIGTERM when its parent is gone, and to the kernel the parent is the thread that forked: from
/// the thread pool, a child would be ended whenever an idle thread is.
/// </summary>
/// <remarks>
/// The signal is SIGTERM rather than SIGKILL so that a child takes its own children (ffmpeg) along; a child bounds its
/// stop itself. <c>setsid</c> keeps Ctrl-C in the terminal from reaching the
/// children, which are stopped in order instead, and makes the child's process id the id of its session and group.
/// </remarks>
public sealed class ProcessSpawner : IDisposable
{
    private readonly BlockingCollection<Action> work = [];
    private readonly Thread thread;
    private readonly string setsid;
    private readonly string setpriv;

    /// <summary>Finds the programs it needs. Throws <see cref="MissingToolException"/>.</summary>
    public ProcessSpawner(IConfiguration configuration)
    {
        setsid = Tools.Program(configuration, "setsid", "util-linux");
        setpriv = Tools.Program(configuration, "setpriv", "util-linux");
        thread = new Thread(Work) { IsBackground = true, Name = "spawner" };
        thread.Start();
    }

    /// <summary>Starts a program that ends with this process. Its standard output and error are redirected.</summary>
    public Task<Process> StartAsync(
        string program,
        IEnumerable<string> arguments,
        IReadOnlyDictionary<string, string> environment
    )
    {
        var started = new TaskCompletionSource<Process>(TaskCreationOptions.RunContinuationsAsynchronously);
        var info = new ProcessStartInfo(setsid)
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var argument in (string[])[setpriv, "--pdeathsig", "TERM", "--", program, .. arguments])
            info.ArgumentList.Add(argument);
        foreach (var (name, value) in environment)
            info.Environment[name] = value;
        work.Add(() => Start(info, started));
        return started.Task;
    }

    public void Dispose() => work.CompleteAdding();

    private static void Start(ProcessStartInfo info, TaskCompletionSource<Process> started)
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

    private void Work()
    {
        foreach (var start in work.GetConsumingEnumerable())
            start();
    }
}
