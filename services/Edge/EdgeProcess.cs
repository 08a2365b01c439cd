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
    private readonly OutputTail output = new();
    private readonly Task reading;
    private readonly EdgeLogRotation rotation;
    private int stopped;

    private EdgeProcess(EdgeOptions options, Process process)
    {
        (Options, this.process) = (options, process);
        // Kept, because a list of processes may be asked for while this one is being disposed.
        ProcessId = process.Id;
        reading = Task.WhenAll(output.ReadAsync(process.StandardOutput), output.ReadAsync(process.StandardError));
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
        var conf = EdgeConfig.Write(options);
        var nginx = Tools.Program(configuration, "nginx", "nginx");
        var folder = Path.GetFullPath(options.Folder);
        // An edge outlives a supervisor that was killed.
        await NginxOrphans.EndAsync(folder, cancellation);
        ThrowIfPortInUse(options);
        // nginx opens its compiled-in error log before it has read the configuration unless -e names another.
        string[] arguments = ["-p", folder, "-e", Path.Combine(folder, "error.log"), "-c", conf, "-g", "daemon off;"];
        var started = await ProcessSpawner.StartAsync([.. ProcessSpawner.EndedBy("TERM"), nginx, .. arguments]);
        var edge = new EdgeProcess(options, started);
        try
        {
            await edge.WaitUntilAnswersAsync(cancellation);
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
        await StopAsync();
        await NginxOrphans.EndAsync(Path.GetFullPath(Options.Folder), CancellationToken.None);
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

    private static void ThrowIfPortInUse(EdgeOptions options)
    {
        if (TcpPorts.Refusal(IPAddress.Parse(options.BindAddress), options.Port) is { } refusal)
            throw new EdgeStartException(
                options.Name,
                refusal.SocketErrorCode is SocketError.AddressAlreadyInUse
                    ? $"port {options.Port} on {options.BindAddress} is in use; stop its owner or choose another port."
                    : $"{options.BindAddress}:{options.Port} cannot be bound: {refusal.Message}."
            );
    }

    private async Task WaitUntilAnswersAsync(CancellationToken cancellation)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        timeout.CancelAfter(StartTimeout);
        using var http = new HttpClient();
        while (true)
        {
            if (process.HasExited)
            {
                await reading.WaitAsync(cancellation);
                throw new EdgeStartException(Options.Name, $"nginx ended at once: {output.Text}");
            }

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

    private async Task StopAsync()
    {
        foreach (var signal in (int[])[Posix.SigQuit, Posix.SigTerm])
        {
            if (process.HasExited)
                return;
            Posix.Signal(ProcessId, signal);
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
