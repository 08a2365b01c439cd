using System.Diagnostics;

namespace EventStream.Cli.Supervisor;

/// <summary>
/// Ends a daemon that outlives the supervisor. PostgreSQL and nginx are started by the rooms that know them and do not
/// ask the kernel for a signal; so a small shell waits on a pipe that only the supervisor holds, and when the pipe
/// ends, signals the process that the daemon's pid file names. After an orderly stop there is no pid file and nothing
/// to do.
/// </summary>
internal sealed class Guard : IDisposable
{
    private const string Script = """
        read -r _
        pid=$(head -n 1 "$1" 2>/dev/null) && [ -n "$pid" ] && kill -s "$2" "$pid"
        """;

    private readonly Process shell;

    /// <summary>Guards the process of a pid file with a signal such as <c>TERM</c>.</summary>
    public Guard(IConfiguration configuration, string pidFile, string signal)
    {
        var info = new ProcessStartInfo(Hosting.Tools.Program(configuration, "setsid", "util-linux"))
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
        };
        foreach (var argument in (string[])["sh", "-c", Script, "guard", pidFile, signal])
            info.ArgumentList.Add(argument);
        shell = Process.Start(info)!;
    }

    public void Dispose()
    {
        shell.StandardInput.Close();
        shell.WaitForExit(TimeSpan.FromSeconds(2));
        shell.Dispose();
    }
}
