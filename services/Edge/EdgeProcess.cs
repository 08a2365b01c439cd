using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using EventStream.Hosting;
using EventStream.Processes;
using Microsoft.Extensions.Configuration;

namespace EventStream.Edge;

/// <summary>
/// A running edge: nginx in the foreground, as a child of this process. Disposing it stops nginx, letting answers
/// that are on their way finish, and returns when the process is gone.
/// </summary>
public sealed class EdgeProcess : IAsyncDisposable
{
    /// <summary>Size at which the access log is rotated; about a quarter of a million lines.</summary>
    public const long AccessLogBytesMax = 64 << 20;

    /// <summary>Rotated access logs kept beside the current one.</summary>
    public const int AccessLogFilesMax = 2;

    private static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(5);
    private readonly Process process;
    private readonly EdgeLogRotation rotation;
    private int stopped;

    private EdgeProcess(EdgeOptions options, Process process)
    {
        (Options, this.process) = (options, process);
        // Kept, because a list of processes may be asked for while this one is being disposed.
        ProcessId = process.Id;
        rotation = new EdgeLogRotation(AccessLog, ReopenLog);
    }

    /// <summary>What the edge was started with.</summary>
    public EdgeOptions Options { get; }

    /// <summary>Address of the edge without a trailing slash.</summary>
    public string Url => UrlOf(Options);

    /// <summary>Path of the access log, whose lines docs/edge-log.md describes.</summary>
    public string AccessLog => Path.Combine(Path.GetFullPath(Options.Folder), "access.log");

    /// <summary>Process id of nginx's master.</summary>
    public int ProcessId { get; }

    /// <summary>Whether nginx has ended, by itself or because it was stopped.</summary>
    public bool HasExited => Volatile.Read(ref stopped) != 0 || process.HasExited;

    /// <summary>Has nginx close and open its logs again, after the access log was renamed.</summary>
    public void ReopenLog() => Posix.Signal(ProcessId, Posix.SigUsr1);

    /// <summary>Completes when nginx has ended.</summary>
    public Task WaitForExitAsync(CancellationToken cancellation) => process.WaitForExitAsync(cancellation);

    /// <summary>
    /// Writes the configuration, checks it, starts nginx and returns when it answers. Throws
    /// <see cref="RoleConfigurationException"/> for wrong options, <see cref="MissingToolException"/> without
    /// nginx, and <see cref="EdgeStartException"/> when the port is in use or nginx refuses its configuration or
    /// does not come up.
    /// </summary>
    public static async Task<EdgeProcess> StartAsync(
        EdgeOptions options,
        IConfiguration configuration,
        CancellationToken cancellation
    )
    {
        options.Validate();
        var nginx = Tools.Program(configuration, "nginx", "nginx");
        await StopLeftoverAsync(options, cancellation);
        var conf = EdgeConfig.Write(options);
        ThrowIfPortInUse(options);
        await CheckAsync(nginx, conf, options, cancellation);
        var started = Process.Start(StartInfo(nginx, conf, options, "-g", "daemon off;"))!;
        var output = new OutputTail(started);
        var edge = new EdgeProcess(options, started);
        try
        {
            await edge.WaitUntilAnswersAsync(output, cancellation);
            return edge;
        }
        catch
        {
            await edge.DisposeAsync();
            throw;
        }
    }

    /// <summary>Stops nginx: gracefully, then, after a bounded wait, at once.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref stopped, 1) == 1)
            return;
        await rotation.DisposeAsync();
        await StopAsync(process);
        process.Dispose();
    }

    private static string UrlOf(EdgeOptions options)
    {
        var host = options.BindAddress switch
        {
            "0.0.0.0" => "127.0.0.1",
            "::" => "[::1]",
            var address when address.Contains(':') => $"[{address}]",
            var address => address,
        };
        return $"http://{host}:{options.Port}";
    }

    private static ProcessStartInfo StartInfo(string nginx, string conf, EdgeOptions options, params string[] arguments)
    {
        var folder = Path.GetFullPath(options.Folder);
        var info = new ProcessStartInfo(nginx)
        {
            UseShellExecute = false,
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        };
        // nginx opens its compiled-in error log before it has read the configuration unless -e names another.
        string[] all = ["-p", folder, "-e", Path.Combine(folder, "error.log"), "-c", conf, .. arguments];
        foreach (var argument in all)
            info.ArgumentList.Add(argument);
        return info;
    }

    private static async Task CheckAsync(string nginx, string conf, EdgeOptions options, CancellationToken cancellation)
    {
        using var check = Process.Start(StartInfo(nginx, conf, options, "-q", "-t"))!;
        var output = new OutputTail(check);
        await check.WaitForExitAsync(cancellation);
        if (check.ExitCode != 0)
            throw new EdgeStartException(options.Name, $"nginx refuses {conf}: {output.Text}");
    }

    private static void ThrowIfPortInUse(EdgeOptions options)
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
            socket.Bind(new IPEndPoint(IPAddress.Parse(options.BindAddress), options.Port));
            socket.Listen();
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.AddressAlreadyInUse)
        {
            throw new EdgeStartException(
                options.Name,
                $"port {options.Port} on {options.BindAddress} is in use; stop its owner or choose another port."
            );
        }
        catch (SocketException e)
        {
            throw new EdgeStartException(
                options.Name,
                $"{options.BindAddress}:{options.Port} cannot be bound: {e.Message}."
            );
        }
    }

    private async Task WaitUntilAnswersAsync(OutputTail output, CancellationToken cancellation)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        timeout.CancelAfter(StartTimeout);
        using var http = new HttpClient();
        while (true)
        {
            if (process.HasExited)
                throw new EdgeStartException(Options.Name, $"nginx ended at once: {output.Text}");
            try
            {
                using var answer = await http.GetAsync($"{Url}/health", timeout.Token);
                if (answer.IsSuccessStatusCode)
                    return;
            }
            catch (HttpRequestException)
            {
                // It does not listen yet.
            }
            catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
            {
                throw new EdgeStartException(
                    Options.Name,
                    $"nginx did not answer within {StartTimeout}: {output.Text}"
                );
            }

            await Task.Delay(20, cancellation);
        }
    }

    private static async Task StopLeftoverAsync(EdgeOptions options, CancellationToken cancellation)
    {
        // An edge outlives a supervisor that was killed; the pid file and the command line show that it is this one.
        var folder = Path.GetFullPath(options.Folder);
        var pidFile = Path.Combine(folder, "nginx.pid");
        if (!File.Exists(pidFile))
            return;
        if (!int.TryParse(await File.ReadAllTextAsync(pidFile, cancellation), out var id))
            return;
        var commandLine = $"/proc/{id}/cmdline";
        if (!File.Exists(commandLine))
            return;
        var command = await File.ReadAllTextAsync(commandLine, cancellation);
        if (!command.Contains(Path.Combine(folder, "nginx.conf"), StringComparison.Ordinal))
            return;
        try
        {
            using var leftover = Process.GetProcessById(id);
            await StopAsync(leftover);
        }
        catch (ArgumentException)
        {
            // It ended between the two looks.
        }
    }

    private static async Task StopAsync(Process process)
    {
        foreach (var signal in (int[])[Posix.SigQuit, Posix.SigTerm])
        {
            if (process.HasExited)
                return;
            Posix.Signal(process.Id, signal);
            using var timeout = new CancellationTokenSource(StopTimeout);
            try
            {
                await process.WaitForExitAsync(timeout.Token);
                return;
            }
            catch (OperationCanceledException)
            {
                // The next signal is less polite.
            }
        }

        process.Kill(entireProcessTree: true);
        await process.WaitForExitAsync(CancellationToken.None);
    }
}

/// <summary>An edge did not start; the message says why and what to do.</summary>
public sealed class EdgeStartException(string edge, string message) : Exception($"Edge '{edge}': {message}")
{
    public string Edge { get; } = edge;
}
