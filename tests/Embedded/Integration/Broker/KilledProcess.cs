using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using EventStream.Tests.Kit;

namespace EventStream.Embedded.Tests.Integration.Broker;

/// <summary>
/// The broker as <c>eventstream run broker</c> in a process of its own, which can be killed (SIGKILL) and started
/// again. It ends with the test, and with the test process where that is killed.
/// </summary>
internal sealed class KilledProcess(params (string Key, string Value)[] settings) : IAsyncDisposable
{
    private readonly System.Collections.Concurrent.ConcurrentQueue<string?> _said = new();
    private readonly string _folder = Directory.CreateTempSubdirectory("eventstream-killed-").FullName;
    private readonly int _port = FreePort.Next();
    private Process? _process;

    /// <summary>Where the broker keeps everything.</summary>
    public string DataFolder => Path.Combine(_folder, "data");

    /// <summary>The last lines that it wrote, for the message of a failed test.</summary>
    public string OutputEnd => string.Join('\n', _said.TakeLast(20));

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
        var program = Path.Combine(Checkout.Root, "artifacts", "bin", "eventstream.dll");
        foreach (var argument in (string[])["exec", program, "run", "broker"])
        {
            start.ArgumentList.Add(argument);
        }
        start.Environment["EVENTSTREAM__BROKER__DATAFOLDER"] = DataFolder;
        start.Environment["EVENTSTREAM__BROKER__PORT"] = $"{_port}";
        start.Environment["EVENTSTREAM__LISTEN__BROKER"] = $"http://127.0.0.1:{FreePort.Next()}";
        foreach (var (key, value) in settings)
        {
            start.Environment["EVENTSTREAM__" + key.Replace(":", "__").ToUpperInvariant()] = value;
        }
        _process = Process.Start(start)!;
        EventStreamProcess.EndWithThisProcess(_process.Id);
        _process.OutputDataReceived += (_, line) => _said.Enqueue(line.Data);
        _process.ErrorDataReceived += (_, line) => _said.Enqueue(line.Data);
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        for (var clock = Stopwatch.StartNew(); clock.Elapsed < TimeSpan.FromSeconds(60); )
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
        throw new InvalidOperationException("The broker did not start: " + OutputEnd);
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
}
