using System.Diagnostics;
using Microsoft.Extensions.Configuration;

namespace EventStream.Processes;

/// <summary>
/// Ends a daemon with the process that started it. PostgreSQL does not ask the kernel for a signal when its parent
/// is gone; so a small shell waits on a pipe that only this process holds, and when the pipe ends, signals the
/// process that the daemon's pid file names. After an orderly stop there is no pid file and nothing to do.
/// </summary>
public sealed class DaemonGuard : IDisposable
{
    private const string Script = """
        read -r _
        pid=$(head -n 1 "$1" 2>/dev/null) && [ -n "$pid" ] && kill -s "$2" "$pid"
        """;

    private readonly Process shell;

    /// <summary>Guards the process of a pid file with a signal such as <c>TERM</c>.</summary>
    public DaemonGuard(IConfiguration configuration, string pidFile, string signal)
    {
        var setsid = Tools.Program(configuration, "setsid", "util-linux");
        string[] arguments = ["sh", "-c", Script, "guard", pidFile, signal];
        var start = new ProcessStartInfo(setsid, arguments) { UseShellExecute = false, RedirectStandardInput = true };
        shell = Process.Start(start)!;
    }

    public void Dispose()
    {
        shell.StandardInput.Close();
        shell.WaitForExit(TimeSpan.FromSeconds(2));
        shell.Dispose();
    }
}
