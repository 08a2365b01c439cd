using System.Text.Json;
using EventStream.Collect;
using EventStream.Collect.Cmcd;
using EventStream.Contracts;

namespace EventStream.Tests.Kit;

/// <summary>
/// What a real player in headless Chromium sent, and what the page itself measured meanwhile. Lines are those of the
/// wire; times in milliseconds. <c>StallCount</c> counts <c>waiting</c> events after the first <c>playing</c> and
/// outside of seeks, <c>Switches</c> changes of the rendered video level, <c>PlayedMs</c> the progress of
/// <c>currentTime</c>.
/// </summary>
internal sealed record Capture(string Name, PageFigures Page, IReadOnlyList<BeaconReceived> Beacons)
{
    public static Capture Load(string name)
    {
        var path = Path.Combine(Checkout.Root, "tests", "Kit", "Captures", name + ".json");
        using var json = JsonDocument.Parse(File.ReadAllText(path));
        var page = json.RootElement.GetProperty("page").Deserialize<PageFigures>(JsonSerializerOptions.Web)!;
        var reader = new BeaconReader(new EdgeNames([]));
        var player = json.RootElement.GetProperty("player").GetString()!;
        var beacons = json
            .RootElement.GetProperty("lines")
            .EnumerateArray()
            .Select(line =>
            {
                var at = DateTimeOffset.FromUnixTimeMilliseconds(line[0].GetInt64());
                var beacon = reader.TryRead(
                    line[1].GetString()!,
                    new BeaconContext(null, player, "eu", "desktop", at),
                    out var error
                );
                return beacon is null ? throw new FormatException($"{name}: {error}") : beacon with { Proven = true };
            })
            .ToList();
        return new Capture(name, page, beacons);
    }
}

internal sealed record PageFigures(
    double? StartupMs,
    int StallCount,
    double StallMs,
    int Switches,
    double PlayedMs,
    long EndedAt,
    double? BitrateKbps = null
);
