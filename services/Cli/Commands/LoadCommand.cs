using System.CommandLine;
using EventStream.Cli.Load;
using EventStream.Hosting;

namespace EventStream.Cli.Commands;

/// <summary><c>eventstream load</c>: a crowd of simulated viewers on this machine's own platform.</summary>
internal static class LoadCommand
{
    private static readonly Option<string> Video = new("--video")
    {
        Description = "Id of the video to watch.",
        Required = true,
    };

    private static readonly Option<string> Playback = CommandLine.Defaulted(
        "--playback",
        "Address of the playback role; loopback only.",
        $"http://127.0.0.1:{RoleAddresses.PortOf("playback")}"
    );

    private static readonly Option<int> Viewers = CommandLine.Defaulted(
        "--viewers",
        "Viewers at the top of the daily curve.",
        300
    );

    private static readonly Option<double> Day = CommandLine.Defaulted(
        "--day",
        "Seconds that one day of the curve takes.",
        72.0
    );

    private static readonly Option<double> Days = CommandLine.Defaulted("--days", "Days of the curve to run.", 1.0);

    private static readonly Option<int> Seed = CommandLine.Defaulted("--seed", "Seed of chance.", 1);

    public static Command Build() =>
        CommandLine.Verb(
            "load",
            "Simulate viewers along a daily curve in compressed time.",
            [Video, Playback, Viewers, Day, Days, Seed],
            RunAsync
        );

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        var options = new LoadOptions
        {
            VideoId = parsed.GetValue(Video)!,
            PlaybackUrl = parsed.GetValue(Playback)!.TrimEnd('/'),
            ViewersPeak = parsed.GetValue(Viewers),
            Day = TimeSpan.FromSeconds(parsed.GetValue(Day)),
            Days = parsed.GetValue(Days),
            Seed = parsed.GetValue(Seed),
        };
        options.Validate();
        var report = await new LoadRun(options, TimeProvider.System).RunAsync(Print, cancellation);
        System.Console.WriteLine(
            $"sessions {report.Sessions}, segments {report.Segments}, bytes {report.Bytes}, "
                + $"beacons {report.Beacons}, errors {report.Errors}"
        );
        if (report.LastError is not null)
            System.Console.Error.WriteLine($"last error: {report.LastError}");
        return report.Sessions > 0 ? 0 : 1;
    }

    private static void Print(LoadSample sample, LoadCounters counters) =>
        System.Console.WriteLine(
            $"{sample.Seconds, 7:0.0} s  viewers {sample.Present, 4} of {sample.Wanted, 6:0.0}  "
                + $"sessions {counters.Sessions}  errors {counters.Errors}"
        );
}
