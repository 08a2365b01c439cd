using System.Net;
using EventStream.Tests.Kit;

namespace EventStream.Integration.Tests.Console;

public sealed class LivePagesTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Seventy_pages_of_one_user_end_its_own_oldest_and_lock_nobody_out()
    {
        await using var rig = await ConsoleRig.StartAsync();
        using var analyst = await rig.SignedInAsync(TestKeys.Analyst);
        using var operators = await rig.SignedInAsync(TestKeys.Operator);
        using var timeout = new CancellationTokenSource(Patience);
        using var before = await OpenAsync(operators, timeout.Token);
        var pages = new List<StreamReader>();
        for (var i = 0; i < 70; i++)
            pages.Add(await OpenAsync(analyst, timeout.Token));

        // The first page is told, so that it does not connect again; the last one, and the operator's, go on.
        Assert.Contains("event: replaced", await pages[0].ReadToEndAsync(timeout.Token));
        Assert.Equal("event: load", await pages[^1].ReadLineAsync(timeout.Token));
        using var after = await OpenAsync(operators, timeout.Token);
        Assert.Equal("event: load", await before.ReadLineAsync(timeout.Token));
        Assert.Equal("event: load", await after.ReadLineAsync(timeout.Token));
        foreach (var page in pages)
            page.Dispose();
    }

    [Fact]
    public async Task A_place_is_free_again_when_its_page_is_closed()
    {
        await using var rig = await ConsoleRig.StartAsync(("Console:ListenersMax", "1"));
        using var analyst = await rig.SignedInAsync(TestKeys.Analyst);
        using var operators = await rig.SignedInAsync(TestKeys.Operator);
        using var timeout = new CancellationTokenSource(Patience);
        using (await OpenAsync(analyst, timeout.Token))
        {
            using var full = await operators.GetAsync("/api/live", timeout.Token);
            Assert.Equal(HttpStatusCode.ServiceUnavailable, full.StatusCode);
        }

        await Wait.UntilAsync(
            "the place is free",
            async () =>
            {
                using var answer = await operators.GetAsync("/api/live?parts=load", timeout.Token);
                return answer.StatusCode == HttpStatusCode.OK;
            }
        );
    }

    private static async Task<StreamReader> OpenAsync(BrowserClient browser, CancellationToken cancellation)
    {
        var answer = await browser.GetAsync("/api/live?parts=load", cancellation);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        return new StreamReader(await answer.Content.ReadAsStreamAsync(cancellation));
    }
}
