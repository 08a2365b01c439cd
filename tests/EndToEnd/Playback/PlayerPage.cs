using EventStream.Processes;
using EventStream.Tests.Kit;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Playwright;

namespace EventStream.EndToEnd.Tests.Playback;

/// <summary>
/// A page of an origin of its own in the real Chromium, with hls.js, dash.js and Shaka Player, as a viewer opens it.
/// </summary>
public sealed class PlayerPage : IAsyncLifetime
{
    private const string Html = """
        <!doctype html><meta charset="utf-8"><title>player</title><video id="v" muted width="320"></video>
        <script src="/hls.js"></script><script src="/dash.js"></script>
        <script src="/shaka.js"></script>
        <script>
        const v = document.getElementById('v'); window.errors = [];
        window.ended = false; v.addEventListener('ended', () => { window.ended = true; });
        function playHls(url) {
          const h = new Hls({ maxBufferLength: 4, maxMaxBufferLength: 6, cmcd: { useHeaders: false } });
          h.on(Hls.Events.ERROR, (_, d) => { if (d.fatal) errors.push(d.type + ' ' + d.details); });
          h.loadSource(url); h.attachMedia(v); v.play(); window.player = h;
        }
        function playDash(url) {
          const p = dashjs.MediaPlayer().create();
          p.updateSettings({ streaming: { buffer: { bufferTimeDefault: 4, bufferTimeAtTopQuality: 4,
            bufferTimeAtTopQualityLongForm: 4 } } });
          p.on('error', e => errors.push(JSON.stringify(e.error)));
          // dash.js does not end the media source where a buffer is busy at the end; it tells of the end by its clock.
          p.on('playbackEnded', () => { window.ended = true; });
          p.initialize(v, url, true); window.player = p;
        }
        async function playShaka(url) {
          const p = new shaka.Player(); window.player = p;
          p.addEventListener('error', e => errors.push(JSON.stringify(e.detail)));
          try { await p.attach(v); await p.load(url); v.play(); } catch (e) { errors.push(String(e.message ?? e)); }
        }
        </script>
        """;

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

    private WebApplication? site;
    private IPlaywright? playwright;
    private IBrowser? browser;

    /// <summary>
    /// Chromium's rules for hosts, such as <c>MAP *.video.example:443 127.0.0.1:8443</c>; certificates are not checked
    /// then. Null leaves hosts as they are.
    /// </summary>
    internal string? HostRules { get; init; }

    /// <summary>Opens the page in a context of its own.</summary>
    public async Task<IPage> OpenAsync()
    {
        var page = await browser!.NewPageAsync(new() { IgnoreHTTPSErrors = HostRules is not null });
        await page.GotoAsync(site!.Urls.Single());
        return page;
    }

    public async Task InitializeAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        site = builder.Build();
        var hls = Tools.Npm(EdgeRig.Configuration, "hls.js/dist/hls.min.js");
        var dash = Tools.Npm(EdgeRig.Configuration, "dashjs/dist/modern/umd/dash.all.min.js");
        var shaka = Tools.Npm(EdgeRig.Configuration, "shaka-player/dist/shaka-player.compiled.js");
        site.MapGet("/", () => Results.Content(Html, "text/html"));
        site.MapGet("/hls.js", () => Results.File(hls, "text/javascript"));
        site.MapGet("/dash.js", () => Results.File(dash, "text/javascript"));
        site.MapGet("/shaka.js", () => Results.File(shaka, "text/javascript"));
        await site.StartAsync();
        playwright = await Microsoft.Playwright.Playwright.CreateAsync();
        browser = await playwright.Chromium.LaunchAsync(
            new BrowserTypeLaunchOptions
            {
                ExecutablePath = Tools.Program(EdgeRig.Configuration, "chromium", "chromium"),
                Headless = true,
                Args = HostRules is null ? Flags : [.. Flags, $"--host-resolver-rules={HostRules}"],
            }
        );
    }

    public async Task DisposeAsync()
    {
        if (browser is not null)
            await browser.DisposeAsync();
        playwright?.Dispose();
        if (site is not null)
            await site.DisposeAsync();
    }
}
