using System.Diagnostics;
using EventStream.Cli.Supervisor;
using Microsoft.Playwright;

namespace EventStream.EndToEnd.Tests.Console;

/// <summary>The whole platform as a user starts it, on ports of its own, and a real browser in front of it.</summary>
public sealed class ConsolePlatform : IAsyncLifetime
{
    private const string SourceFilter = "testsrc2=size=426x240:rate=24:duration=16";
    private readonly DirectoryInfo work = Directory.CreateTempSubdirectory("eventstream-console-work-");
    private readonly Dictionary<string, string> signedIn = new(StringComparer.Ordinal);
    private PlatformProcess platform = null!;
    private IPlaywright? playwright;

    public DataFolder Data => platform.Data;

    public PortPlan Ports => platform.Ports;

    public IBrowser Browser { get; private set; } = null!;

    /// <summary>A short video with sound, small enough for a ladder of one rung.</summary>
    public string SourceFile => Path.Combine(work.FullName, "sample.mp4");

    /// <summary>The key of an operator.</summary>
    public string OperatorKey => Data.Secret(DataFolder.OperatorKey);

    /// <summary>The key of a publisher.</summary>
    public string PublisherKey => Data.Secret(DataFolder.ApiKey);

    public int ProcessId => platform.Id;

    public string Url(string path) => Ports.Url("console") + path;

    public async Task InitializeAsync()
    {
        await RunAsync(
            "ffmpeg",
            "-v",
            "error",
            "-f",
            "lavfi",
            "-i",
            SourceFilter,
            "-f",
            "lavfi",
            "-i",
            "sine=d=16",
            "-c:v",
            "libx264",
            "-preset",
            "ultrafast",
            "-c:a",
            "aac",
            "-shortest",
            SourceFile
        );
        platform = await PlatformProcess.StartAsync(
            null,
            [
                // Windows and sessions close soon, so that the pages have something to show.
                ("Qoe:LoadStepSeconds", "2"),
                ("Encode:LoadStepSeconds", "2"),
                ("Capacity:StepSeconds", "2"),
                // The number of workers is the test's to choose, not the autoscaler's.
                ("Capacity:ForecastOnly", "true"),
            ]
        );
        playwright = await Playwright.CreateAsync();
        Browser = await playwright.Chromium.LaunchAsync(
            new BrowserTypeLaunchOptions
            {
                ExecutablePath = "/usr/bin/chromium",
                Args =
                [
                    "--no-sandbox",
                    "--disable-gpu",
                    "--disable-quic",
                    "--no-first-run",
                    "--disable-background-networking",
                    "--disable-component-update",
                    "--disable-sync",
                    "--autoplay-policy=no-user-gesture-required",
                ],
            }
        );
    }

    public async Task DisposeAsync()
    {
        if (Browser is not null)
            await Browser.DisposeAsync();
        playwright?.Dispose();
        if (platform is not null)
            await platform.DisposeAsync();
        work.Delete(recursive: true);
    }

    /// <summary>A page of an operator, whose console errors are collected.</summary>
    public Task<(IPage Page, List<string> Errors)> OpenAsync(string path) => OpenAsync(path, OperatorKey);

    /// <summary>A page of whoever holds a key; null for nobody.</summary>
    public async Task<(IPage Page, List<string> Errors)> OpenAsync(string path, string? key)
    {
        var context = await Browser.NewContextAsync(
            new BrowserNewContextOptions { StorageState = key is null ? null : await SignInAsync(key) }
        );
        var page = await context.NewPageAsync();
        var errors = new List<string>();
        page.Console += (_, message) =>
        {
            if (message.Type == "error")
                errors.Add($"{message.Text} {message.Location}");
        };
        page.PageError += (_, error) => errors.Add(error);
        await page.GotoAsync(Url(path));
        return (page, errors);
    }

    /// <summary>Signs in on the page, once for each key; the cookies that the browser then has.</summary>
    private async Task<string> SignInAsync(string key)
    {
        if (signedIn.TryGetValue(key, out var state))
            return state;
        await using var context = await Browser.NewContextAsync();
        var page = await context.NewPageAsync();
        await page.GotoAsync(Url("/sign-in"));
        await page.FillAsync("#key", key);
        await page.ClickAsync("#sign-in");
        // What the page shows can be asked again; an event of the navigation that is missed never comes again.
        await page.Locator("#who, #note.bad").First.WaitForAsync();
        Assert.False(await page.Locator("#note.bad").IsVisibleAsync(), await page.InnerTextAsync("main"));
        return signedIn[key] = await context.StorageStateAsync();
    }

    private static async Task RunAsync(string program, params string[] arguments)
    {
        using var run = Process.Start(program, arguments);
        await run.WaitForExitAsync();
        Assert.Equal(0, run.ExitCode);
    }
}
