using System.Globalization;
using System.Text.Json;
using Microsoft.Playwright;

namespace EventStream.Journey;

/// <summary>Headless Chromium from Debian, driven by Playwright. One page is one viewer.</summary>
public sealed class Browser : IAsyncDisposable
{
    private static readonly string[] Flags =
    [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--autoplay-policy=no-user-gesture-required",
    ];

    private readonly IPlaywright driver;
    private readonly IBrowser chromium;

    /// <summary>The cookies of the console's session, which every page of this browser has.</summary>
    private string? signedIn;

    private Browser(IPlaywright playwright, IBrowser browser) => (driver, chromium) = (playwright, browser);

    public static async Task<Browser> StartAsync()
    {
        const string program = "/usr/bin/chromium";
        if (!File.Exists(program))
            throw new JourneyException($"'{program}' is missing; run `make setup`");
        var playwright = await Playwright.CreateAsync();
        var browser = await playwright.Chromium.LaunchAsync(
            new BrowserTypeLaunchOptions
            {
                ExecutablePath = program,
                Headless = true,
                Args = Flags,
            }
        );
        return new Browser(playwright, browser);
    }

    /// <summary>Signs in at the console as a person does, for every page that is opened from then on.</summary>
    public async Task SignInAsync(string console, string key)
    {
        await using var context = await chromium.NewContextAsync();
        var page = await context.NewPageAsync();
        await page.GotoAsync($"{console}/sign-in");
        await page.FillAsync("#key", key);
        await page.ClickAsync("#sign-in");
        await page.Locator("#who, #note.bad").First.WaitForAsync();
        if (await page.Locator("#note.bad").IsVisibleAsync())
            throw new JourneyException($"signing in failed: {await page.InnerTextAsync("#note")}");
        signedIn = await context.StorageStateAsync();
    }

    /// <summary>Opens a page; what it writes to its console as an error is collected.</summary>
    public async Task<Viewer> OpenAsync(string url)
    {
        var context = await chromium.NewContextAsync(
            new BrowserNewContextOptions
            {
                ViewportSize = new ViewportSize { Width = 1280, Height = 800 },
                StorageState = signedIn,
            }
        );
        var page = await context.NewPageAsync();
        var viewer = new Viewer(context, page);
        await page.GotoAsync(url);
        return viewer;
    }

    public async ValueTask DisposeAsync()
    {
        await chromium.DisposeAsync();
        driver.Dispose();
    }
}

/// <summary>A viewer in front of the console's player page.</summary>
public sealed class Viewer(IBrowserContext context, IPage page) : IAsyncDisposable
{
    private const string Measured = """
        () => {
          const q = window.__qoe || {}, v = document.querySelector('video');
          return JSON.stringify({ sessionId: q.sessionId || '', startupMs: q.startupMs ?? null, stalls: q.stalls || 0,
            stallMs: q.stallMs || 0, switches: q.switches || 0, bitrateKbps: q.bitrateKbps ?? null,
            meanKbps: q.averageBitrateKbps ?? null,
            positionSeconds: v ? v.currentTime : 0, edge: q.edge || '' });
        }
        """;

    public IPage Page => page;

    /// <summary>What the page itself has measured so far.</summary>
    public async Task<BrowserFacts> MeasuredAsync() =>
        JsonSerializer.Deserialize<BrowserFacts>(
            await page.EvaluateAsync<string>(Measured),
            JsonSerializerOptions.Web
        )!;

    /// <summary>
    /// Waits until the playhead is past a position in seconds. Throws <see cref="JourneyException"/> otherwise.
    /// </summary>
    public async Task<BrowserFacts> PlayedToAsync(double seconds, TimeSpan timeout, CancellationToken cancellation)
    {
        BrowserFacts? facts = null;
        try
        {
            await Wait.UntilAsync(
                $"the playhead is at {seconds:0} s",
                timeout,
                cancellation,
                async () => (facts = await MeasuredAsync()).PositionSeconds >= seconds
            );
        }
        catch (JourneyException e)
        {
            var text = await page.InnerTextAsync("body");
            throw new JourneyException(
                $"{e.Message} It is at {facts?.PositionSeconds:0.0} s; the page says: {text}",
                e
            );
        }

        return facts!;
    }

    /// <summary>Makes the network of this viewer slow from now on, in kbit/s.</summary>
    public async Task ThrottleAsync(double kilobitsPerSecond)
    {
        var session = await context.NewCDPSessionAsync(page);
        await session.SendAsync("Network.enable");
        await session.SendAsync(
            "Network.emulateNetworkConditions",
            new Dictionary<string, object>
            {
                ["offline"] = false,
                ["latency"] = 20,
                ["downloadThroughput"] = kilobitsPerSecond * 1000 / 8,
                ["uploadThroughput"] = kilobitsPerSecond * 1000 / 8,
            }
        );
    }

    /// <summary>Saves a picture of the page.</summary>
    public Task PictureAsync(string folder, string name) =>
        page.ScreenshotAsync(new PageScreenshotOptions { Path = Path.Combine(folder, $"{name}.png"), FullPage = true });

    /// <summary>Leaves as a person does, by closing the page: its last report goes out on the way.</summary>
    public async Task LeaveAsync()
    {
        await page.CloseAsync(new PageCloseOptions { RunBeforeUnload = true });
        for (var i = 0; i < 50 && !page.IsClosed; i++)
            await Task.Delay(100, CancellationToken.None);
    }

    /// <summary>
    /// Closes the page where it was not left. Its context ends with the browser and not before: what a page sends as it
    /// goes away is on its way still when the page is gone.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        if (!page.IsClosed)
            await page.CloseAsync();
    }

    /// <summary>A number with a unit, or a dash.</summary>
    public static string Words(double? value, string unit) =>
        value is { } number ? string.Create(CultureInfo.InvariantCulture, $"{number:0} {unit}") : "-";
}
