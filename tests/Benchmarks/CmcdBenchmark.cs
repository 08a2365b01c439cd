using System.Text.Json;
using EventStream.Collect;
using EventStream.Collect.Cmcd;

namespace EventStream.Benchmarks;

/// <summary>
/// Reading a CMCD record into its event, beside parsing the same keys as JSON with the framework's own reader.
/// </summary>
internal static class CmcdBenchmark
{
    private const int Records = 100_000;

    private const string Line =
        """bl=(2000),br=(3406),cid="vid1",e=ps,mtp=(43100),sf=h,sid="9a8b-03",sn=8,st=v,sta=p,ts=1795337066056,v=2""";

    private const string Json = """
        {"bl":[2000],"br":[3406],"cid":"vid1","e":"ps","mtp":[43100],"sf":"h","sid":"9a8b-03","sn":8,"st":"v","sta":"p","ts":1795337066056,"v":2}
        """;

    public static async Task<IReadOnlyList<Figure>> RunAsync()
    {
        var reader = new BeaconReader(new EdgeNames([]));
        var context = new BeaconContext("vid1", "hls.js", "eu", "desktop", DateTimeOffset.UnixEpoch);
        var rates = await Measure.RatesAsync(
            Records,
            () => Repeat(() => reader.TryRead(Line, context, out _) is not null),
            () =>
                Repeat(() =>
                {
                    using var document = JsonDocument.Parse(Json);
                    return document.RootElement.GetProperty("v").GetInt32() == 2;
                })
        );
        return
        [
            Figure.AgainstPeer(
                "cmcd record to event",
                "records/s",
                rates[0],
                rates[1],
                "JsonDocument, same keys",
                ">= 0.3"
            ),
        ];
    }

    private static Task Repeat(Func<bool> once)
    {
        for (var i = 0; i < Records; i++)
        {
            if (!once())
                throw new InvalidOperationException("A record of the benchmark was not read.");
        }

        return Task.CompletedTask;
    }
}
