using System.Text;
using EventStream.Tests.Kit;
using FsCheck;
using FsCheck.Fluent;

namespace EventStream.Integration.Tests.Collect;

/// <summary>Whatever a client sends, the fault is named as the client's and never becomes one of ours.</summary>
public sealed class BodyFuzzTests
{
    private static readonly string[] Codings = ["", "", "", "gzip", "br", "zstd", "deflate", "identity", "x"];

    private static readonly string[] Types =
    [
        "application/cmcd",
        "text/plain",
        "application/json",
        "application/x-ndjson",
        "text/plain; charset=utf-16",
        ";",
        "",
    ];

    private static readonly string[] Odd =
    [
        "1e400",
        "-1e400",
        "NaN",
        "\"Infinity\"",
        "9999999999999999999999",
        "-5",
        "\"\\ud800\"",
        "null",
        "[]",
        "{}",
        "\u0000",
        "\ud83d",
        "(((",
        "(1;v 2)",
        "?2",
        "\"",
        "\\",
        "1795337065746",
        "253402300800",
        "1.2.3",
        "true",
        "=",
        ",,",
    ];

    [Fact]
    public async Task No_body_leads_to_a_fault_of_the_server()
    {
        await using var rig = await CollectRig.StartAsync(
            ("Collect:Limits:AddressRequests", "100000"),
            ("Collect:Limits:AddressBytes", "200000000"),
            ("Collect:Limits:UnprovenBytes", "200000000"),
            ("Collect:Limits:EdgeRequests", "100000")
        );
        Prop.ForAll(ArbMap.Default.ArbFor<int>(), seed => SendAsync(rig, new Random(seed)).GetAwaiter().GetResult())
            .Check(Config.QuickThrowOnFailure.WithMaxTest(400));
        // It still works, and what it stored can be read.
        using var answer = await rig.ReportAsync("/v1/cmcd", CollectRig.Beacon("well", 1));
        Assert.Equal(204, (int)answer.StatusCode);
        Assert.Contains(rig.Beacons(), beacon => beacon.SessionId == "well");
        Assert.All(rig.Requests(), request => Assert.Equal("edge-a", request.Edge));
        Assert.NotEmpty(rig.Letters());
    }

    private static async Task SendAsync(CollectRig rig, Random random)
    {
        var isLog = random.Next(2) == 0;
        var records = Enumerable.Range(0, random.Next(1, 5)).Select(_ => Record(random, isLog));
        var text = string.Join(random.Next(3) == 0 ? "," : "\n", records);
        if (random.Next(3) == 0)
            text = $"[{text}]";
        var coding = Codings[random.Next(Codings.Length)];
        var body = coding is "gzip" or "br" or "zstd" or "deflate"
            ? CollectApiTests.Pack(coding, text)
            : Encoding.UTF8.GetBytes(text);
        if (random.Next(4) == 0)
            random.NextBytes(body.AsSpan(random.Next(body.Length)));
        if (random.Next(6) == 0)
            body = body[..random.Next(body.Length)];
        using var answer = await rig.PostAsync(
            isLog ? "/v1/cdn-logs" : "/v1/cmcd?video=%ED%A0%80&expires=99999999999999&session=%00&proof=%FF",
            Types[random.Next(Types.Length)],
            body,
            coding.Length > 0 ? coding : null,
            TestKeys.EdgeA
        );
        Assert.True(
            (int)answer.StatusCode < 500,
            $"{(int)answer.StatusCode} for {text}: {await answer.Content.ReadAsStringAsync()}"
        );
    }

    /// <summary>A good record, one of whose values is something else.</summary>
    private static string Record(Random random, bool isLog)
    {
        var good = isLog
            ? CollectRig.Line("edge-a", $"{random.Next()}")
            : CollectRig.Beacon("fuzz", random.Next(), more: ",bl=(1;v 2;a),bsd=(1 2),cid=\"c\",rc=200,br=5,h=\"x\"");
        var places = Enumerable.Range(0, good.Length).Where(i => good[i] is ':' or '=').ToList();
        for (var changes = random.Next(3); changes > 0; changes--)
        {
            var from = places[random.Next(places.Count)] + 1;
            var to = good.IndexOfAny([',', '}'], Math.Min(from, good.Length - 1));
            if (from >= good.Length || to < from)
                continue;
            good = string.Concat(good.AsSpan(0, from), Odd[random.Next(Odd.Length)], good.AsSpan(to));
            places = [.. Enumerable.Range(0, good.Length).Where(i => good[i] is ':' or '=')];
        }

        return good;
    }
}
