using Microsoft.Playwright;

namespace EventStream.Tests.Kit;

/// <summary>
/// Opens pages within a bound. Opening one has no time-out of its own, and a busy Chromium now and then does not
/// announce a new page to its driver: the wait then never ends. Such a page is left behind and another one opened.
/// </summary>
internal static class BrowserPages
{
    private const int AttemptsMax = 3;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>A page in a context of its own that runs scripts.</summary>
    public static async Task<IPage> OpenPageAsync(this IBrowser browser, BrowserNewContextOptions? options = null)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await TryAsync(browser, options).WaitAsync(Patience);
            }
            catch (TimeoutException) when (attempt < AttemptsMax)
            {
                // Another attempt has a context of its own.
            }
        }
    }

    private static async Task<IPage> TryAsync(IBrowser browser, BrowserNewContextOptions? options)
    {
        var context = await browser.NewContextAsync(options);
        var page = await context.NewPageAsync();
        await page.EvaluateAsync("1");
        return page;
    }
}
