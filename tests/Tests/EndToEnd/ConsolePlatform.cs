using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using EventStream.Console.Supervisor;
using EventStream.Tests.Kit;
using Microsoft.Playwright;

namespace EventStream.Tests.EndToEnd;

/// <summary>The whole platform as a user starts it, on ports of its own, and a real browser in front of it.</summary>
public sealed class ConsolePlatform : IAsyncLifetime
{
    private const string SourceFilter = "testsrc2=size=426x240:rate=24:duration=16";
    private static readonly TimeSpan StartTimeout = TimeSpan.FromMinutes(3);
    private readonly List<string> output = [];
    private readonly DirectoryInfo work = Directory.CreateTempSubdirectory("eventstream-console-work-");
    private readonly Dictionary<string, string> signedIn = new(StringComparer.Ordinal);
    private Process? process;
    private IPlaywright? playwright;

    public DataFolder Data { get; } =
        new(Path.Combine(Path.GetTempPath(), $"eventstream-console-{Guid.NewGuid():N}"));

    public PortPlan Ports { get; private set; } = new(PortPlan.DefaultBase);

    public IBrowser Browser { get; private set; } = null!;

    /// <summary>A short video with sound, small enough for a ladder of one rung.</summary>
    public string SourceFile => Path.Combine(work.FullName, "sample.mp4");

    /// <summary>The key of an operator.</summary>
    public string OperatorKey => Data.Secret(DataFolder.OperatorKey);

    /// <summary>The key of a publisher.</summary>
    public string PublisherKey => Data.Secret(DataFolder.ApiKey);

    public int ProcessId => process!.Id;

    public string Url(string path) => Ports.Url("console") + path;

    public async Task InitializeAsync()
    {
        await RunAsync(
            "ffmpeg", "-v", "error", "-f", "lavfi", "-i", SourceFilter, "-f", "lavfi", "-i", "sine=d=16", "-c:v",
            "libx264", "-preset", "ultrafast", "-c:a", "aac", "-shortest", SourceFile);
        Ports = new PortPlan(FreeBase());
        process = Start(
            Path.Combine(Checkout.Root, "artifacts", "bin", "eventstream"), "up", "--data", Data.Root, "--base-port",
            Ports.Base.ToString(CultureInfo.InvariantCulture));
        using var timeout = new CancellationTokenSource(StartTimeout);
        while (RunFile.Read(Data) is not { Ready: true })
        {
            if (process.HasExited) throw new InvalidOperationException(string.Join('\n', output));
            await Task.Delay(100, timeout.Token);
        }

        playwright = await Playwright.CreateAsync();
        Browser = await playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions
        {
            ExecutablePath = "/usr/bin/chromium",
            Args =
            [
                "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                "--disable-background-networking", "--disable-component-update", "--disable-sync",
                "--autoplay-policy=no-user-gesture-required",
            ],
        });
    }

    public async Task DisposeAsync()
    {
        if (Browser is not null) await Browser.DisposeAsync();
        playwright?.Dispose();
        if (process is { HasExited: false })
        {
            await RunAsync("kill", "-TERM", process.Id.ToString(CultureInfo.InvariantCulture));
            await process.WaitForExitAsync(new CancellationTokenSource(TimeSpan.FromSeconds(60)).Token);
        }

        process?.Dispose();
        Directory.Delete(Data.Root, recursive: true);
        work.Delete(recursive: true);
    }

    /// <summary>A page of an operator, whose console errors are collected.</summary>
    public Task<(IPage Page, List<string> Errors)> OpenAsync(string path) => OpenAsync(path, OperatorKey);

    /// <summary>A page of whoever holds a key; null for nobody.</summary>
    public async Task<(IPage Page, List<string> Errors)> OpenAsync(string path, string? key)
    {
        var context = await Browser.NewContextAsync(
            new BrowserNewContextOptions { StorageState = key is null ? null : await SignInAsync(key) });
        var page = await context.NewPageAsync();
        var errors = new List<string>();
        page.Console += (_, message) =>
        {
            if (message.Type == "error") errors.Add($"{message.Text} {message.Location}");
        };
        page.PageError += (_, error) => errors.Add(error);
        await page.GotoAsync(Url(path));
        return (page, errors);
    }

    /// <summary>Signs in on the page, once for each key; the cookies that the browser then has.</summary>
    private async Task<string> SignInAsync(string key)
    {
        if (signedIn.TryGetValue(key, out var state)) return state;
        await using var context = await Browser.NewContextAsync();
        var page = await context.NewPageAsync();
        await page.GotoAsync(Url("/sign-in"));
        await page.FillAsync("#key", key);
        await page.ClickAsync("#sign-in");
        await page.WaitForURLAsync(Url("/"));
        return signedIn[key] = await context.StorageStateAsync();
    }

    /// <summary>A base from which every port of the plan is free now.</summary>
    private static int FreeBase()
    {
        for (var attempt = 0; attempt < 50; attempt++)
        {
            using var probe = new TcpListener(IPAddress.Loopback, 0);
            probe.Start();
            var candidate = 10_000 + (((IPEndPoint)probe.LocalEndpoint).Port % 150 * 100);
            try
            {
                new PortPlan(candidate).CheckFree(ownBroker: true, edges: 2);
                return candidate;
            }
            catch (EventStream.Console.CommandException)
            {
                // Another platform stands there.
            }
        }

        throw new InvalidOperationException("No free block of ports was found.");
    }

    private static async Task RunAsync(string program, params string[] arguments)
    {
        using var run = Process.Start(program, arguments);
        await run.WaitForExitAsync();
        Assert.Equal(0, run.ExitCode);
    }

    private Process Start(string program, params string[] arguments)
    {
        var info = new ProcessStartInfo(program, arguments)
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        // Windows and sessions close soon, so that the pages have something to show.
        info.Environment["EVENTSTREAM__QOE__LOADSTEPSECONDS"] = "2";
        info.Environment["EVENTSTREAM__CAPACITY__STEPSECONDS"] = "2";
        // The number of workers is the test's to choose, not the autoscaler's.
        info.Environment["EVENTSTREAM__CAPACITY__FORECASTONLY"] = "true";
        var started = Process.Start(info)!;
        started.OutputDataReceived += (_, line) => Keep(line.Data);
        started.ErrorDataReceived += (_, line) => Keep(line.Data);
        started.BeginOutputReadLine();
        started.BeginErrorReadLine();
        return started;
    }

    private void Keep(string? line)
    {
        lock (output) output.Add(line ?? "");
    }
}
