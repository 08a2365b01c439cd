using EventStream.Journey.Report;
using EventStream.Journey.Steps;

namespace EventStream.Journey;

/// <summary>The whole journey: a video goes in, viewers watch, quality is known, capacity is decided.</summary>
public static class Demo
{
    /// <summary>
    /// Runs every step and writes the report. Throws <see cref="JourneyException"/> at the first that falls short.
    /// </summary>
    public static async Task<int> RunAsync(JourneyOptions options, CancellationToken cancellation)
    {
        options = options with { Out = Path.GetFullPath(options.Out) };
        var data = Path.Combine(options.Out, "data");
        // Each demonstration starts from nothing, so that what it shows was made by it.
        if (Directory.Exists(data))
            Directory.Delete(data, recursive: true);
        Directory.CreateDirectory(options.Out);
        var show = new Show();
        var facts = new Facts();
        show.Line("starting the platform");
        await using (var platform = await Platform.StartAsync(options, data, show, cancellation))
        {
            await StepsAsync(platform, facts, show, cancellation);
        }

        facts.Total = show.Elapsed;
        var page = Path.Combine(options.Out, "report.html");
        await File.WriteAllTextAsync(page, HtmlReport.Write(facts), cancellation);
        System.Console.WriteLine();
        System.Console.WriteLine(TextReport.Write(facts));
        System.Console.WriteLine($"The same with charts: {page}");
        return 0;
    }

    private static async Task StepsAsync(Platform platform, Facts facts, Show show, CancellationToken cancellation)
    {
        facts.Idle = await platform.ProcessesAsync(cancellation);
        show.Step(1, "Upload by tus, cut and resumed");
        await UploadStep.RunAsync(platform, facts, show, cancellation);
        show.Step(2, "Event store and encode: commands on Kafka, workers, CMAF once");
        await EncodeStep.RunAsync(platform, facts, show, cancellation);
        show.Step(3, "Edges refuse what is not signed; bad input gets words");
        await RefusalStep.EdgeAsync(platform, facts, show, cancellation);
        await RefusalStep.InputAsync(platform, facts, show, cancellation);
        show.Step(4, "Play in Chromium: HLS, DASH, and a slow network");
        await using (var browser = await Browser.StartAsync())
        {
            await browser.SignInAsync(platform.Url("console"), platform.Env.OperatorKey);
            await PlayStep.RunAsync(platform, browser, facts, show, cancellation);
            show.Step(5, "Beacons, edge logs and quality, browser beside platform");
            await QualityStep.RunAsync(platform, facts, show, cancellation);
            show.Step(6, "Traffic: an edge stops while a viewer watches");
            await FailoverStep.RunAsync(platform, browser, facts, show, cancellation);
            await QualityStep.RunAsync(platform, facts, show, cancellation);
            show.Step(7, "Capacity: a crowd along a daily curve, forecast, decisions, worker processes");
            await CapacityStep.RunAsync(platform, facts, show, cancellation);
            show.Step(8, "The console, one page per user");
            await PicturesAsync(platform, browser, show);
        }

        show.Step(9, "Totals by SQL");
        await QualityStep.TotalsAsync(platform, facts, cancellation);
        show.Step(10, "Stopping everything");
    }

    private static async Task PicturesAsync(Platform platform, Browser browser, Show show)
    {
        foreach (var name in (string[])["", "upload", "library", "operations", "data"])
        {
            await using var page = await browser.OpenAsync($"{platform.Url("console")}/{name}");
            await page.Page.WaitForTimeoutAsync(2500);
            var file = name.Length == 0 ? "home" : name;
            await page.PictureAsync(platform.Options.Out, $"console-{file}");
            show.Line($"picture of /{name}: {platform.Options.Out}/console-{file}.png");
        }
    }
}
