using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace EventStream.Tests.Integration.Broker;

/// <summary>
/// The broker as <c>eventstream run broker</c> in a process of its own, which can be killed (SIGKILL) and started
/// again.
/// </summary>
internal sealed class KilledProcess : IAsyncDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("eventstream-killed-").FullName;
    private readonly int _port = FreePort();
    private Process? _process;

    public string Bootstrap => $"127.0.0.1:{_port}";

    /// <summary>Starts the process and returns when its port accepts connections.</summary>
    public async Task StartAsync()
    {
        var start = new ProcessStartInfo("dotnet")
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = _folder,
        };
        var program = Path.Combine(AppContext.BaseDirectory, "eventstream.dll");
        foreach (var argument in (string[])["exec", program, "run", "broker"])
        {
            start.ArgumentList.Add(argument);
        }
        start.Environment["EVENTSTREAM__BROKER__DATAFOLDER"] = Path.Combine(_folder, "data");
        start.Environment["EVENTSTREAM__BROKER__PORT"] = $"{_port}";
        start.Environment["EVENTSTREAM__LISTEN__BROKER"] = $"http://127.0.0.1:{FreePort()}";
        _process = Process.Start(start)!;
        var said = new System.Collections.Concurrent.ConcurrentQueue<string?>();
        _process.OutputDataReceived += (_, line) => said.Enqueue(line.Data);
        _process.ErrorDataReceived += (_, line) => said.Enqueue(line.Data);
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        for (var clock = Stopwatch.StartNew(); clock.Elapsed < TimeSpan.FromSeconds(60);)
        {
            if (_process.HasExited)
            {
                break;
            }
            if (await AcceptsAsync())
            {
                return;
            }
            await Task.Delay(50);
        }
        throw new InvalidOperationException("The broker did not start: " + string.Join('\n', said));
    }

    /// <summary>Ends the process without a chance to do anything more.</summary>
    public async Task KillAsync()
    {
        if (_process is { } process)
        {
            process.Kill();
            await process.WaitForExitAsync();
            process.Dispose();
            _process = null;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private async Task<bool> AcceptsAsync()
    {
        using var client = new TcpClient();
        try
        {
            await client.ConnectAsync(IPAddress.Loopback, _port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private static int FreePort()
    {
        var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var port = ((IPEndPoint)listener.LocalEndpoint).Port;
        listener.Stop();
        return port;
    }
}
