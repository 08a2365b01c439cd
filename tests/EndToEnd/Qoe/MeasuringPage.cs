using System.Text.Json;
using EventStream.Console;
using EventStream.Playback.Sessions;
using EventStream.Tests.Kit;
using Microsoft.Playwright;

namespace EventStream.EndToEnd.Tests.Qoe;

/// <summary>
/// A page that plays with the product's own players and measures itself: by the events of its video element, the
/// progress of its playing time, the player's bitrate, and the browser's list of requests.
/// </summary>
internal sealed class MeasuringPage(IPage page)
{
    private const string Script = """
        async ([kind, opened]) => {
          const session = JSON.parse(opened);
          const players = await import('/players.js');
          performance.setResourceTimingBufferSize(5000);
          const v = document.getElementById('v');
          const own = window.own = { startupMs: null, stalls: 0, stallMs: 0, playedMs: 0, bitrateKbps: 0,
            startedAt: 0, endedAt: 0, played: {}, errors: [] };
          let stalledAt = null, position = null, edge = null, known = 0, weighted = 0;
          const endStall = () => {
            const lasted = stalledAt === null ? 0 : performance.now() - stalledAt;
            stalledAt = null;
            // What is shorter the player has bridged; the platform does not count it either.
            if (lasted >= 100) { own.stalls++; own.stallMs += lasted; }
          };
          const begun = performance.now();
          v.addEventListener('playing', () => {
            if (own.startupMs === null) { own.startupMs = performance.now() - begun; own.startedAt = Date.now(); }
            endStall();
          });
          v.addEventListener('waiting', () => {
            if (own.startupMs !== null && !v.seeking && !v.ended) stalledAt = performance.now();
          });
          const play = kind === 'hls' ? players.playHls : players.playDash;
          const player = play(v, session, 4, { loaded: url => { edge = new URL(url).host; }, switched() {},
            failed: words => own.errors.push(words), said() {} });
          // As the watch page does when it is closed.
          window.leave = () => {
            endStall();
            own.endedAt = Date.now();
            players.quit(session, player.stop());
          };
          window.measuring = setInterval(() => {
            const moved = position === null ? 0 : (v.currentTime - position) * 1000;
            position = v.currentTime;
            if (moved <= 0 || own.startupMs === null) return;
            own.playedMs += moved;
            own.played[edge] = (own.played[edge] ?? 0) + moved;
            const kbps = player.bitrate();
            if (!kbps) return;
            known += moved; weighted += moved * kbps; own.bitrateKbps = weighted / known;
          }, 50);
        }
        """;

    private const string Figures = """
        () => {
          const requests = {};
          for (const entry of performance.getEntriesByType('resource')) {
            const url = new URL(entry.name);
            if (url.pathname.includes('/media/') && entry.responseStatus > 0)
              requests[url.host] = (requests[url.host] ?? 0) + 1;
          }
          return JSON.stringify({ ...own, requests });
        }
        """;

    private const int PatienceMs = 60_000;

    /// <summary>Begins to play.</summary>
    public async Task PlayAsync(string kind, SessionOpened session)
    {
        // Read here, because a route that fails leaves its request, and the page that waits for it, without an answer.
        var players = await File.ReadAllBytesAsync(
            Path.Combine(Checkout.Root, "services", "Console", "Pages", "players.js")
        );
        await RouteAsync("**/players.js", players);
        await RouteAsync("**/assets/contracts.js", ContractConstants.Module());
        var opened = JsonSerializer.Serialize(session, JsonSerializerOptions.Web);
        await page.EvaluateAsync(Script, new[] { kind, opened });
    }

    private Task RouteAsync(string path, byte[] script) =>
        page.RouteAsync(
            path,
            route => route.FulfillAsync(new RouteFulfillOptions { ContentType = "text/javascript", BodyBytes = script })
        );

    /// <summary>Waits for a playing time.</summary>
    public Task UntilAsync(double seconds) => WaitAsync("s => v.currentTime > s", seconds);

    /// <summary>Leaves the video at a playing time; returns what the page measured.</summary>
    public async Task<PageMeasures> LeaveAsync(double seconds)
    {
        await UntilAsync(seconds);
        await page.EvaluateAsync("() => { clearInterval(measuring); leave(); }");
        return await FiguresAsync();
    }

    private async Task<PageMeasures> FiguresAsync() =>
        JsonSerializer.Deserialize<PageMeasures>(await page.EvaluateAsync<string>(Figures), JsonSerializerOptions.Web)!;

    private async Task WaitAsync(string condition, double argument)
    {
        try
        {
            await page.WaitForFunctionAsync(
                condition,
                argument,
                new PageWaitForFunctionOptions { Timeout = PatienceMs }
            );
        }
        catch (TimeoutException)
        {
            Assert.Fail($"'{condition}' did not come true: {await FiguresAsync()}");
        }
    }
}

/// <summary>
/// What a page measured: milliseconds, kbit/s, Unix milliseconds; time played and requests answered by the host and
/// port of the edge.
/// </summary>
internal sealed record PageMeasures(
    double? StartupMs,
    int Stalls,
    double StallMs,
    double PlayedMs,
    double BitrateKbps,
    long StartedAt,
    long EndedAt,
    Dictionary<string, double> Played,
    Dictionary<string, int> Requests,
    string[] Errors
);
