using EventStream.Collect;
using EventStream.Collect.CdnLogs;
using EventStream.Contracts;
using EventStream.Edge;
using EventStream.Hosting;
using EventStream.Tests.Kit;
using EventStream.Tokens;

namespace EventStream.Integration.Tests.Edge;

/// <summary>
/// What anybody can send to an edge is told apart, line by line, from what a viewer with a signed URL sends.
/// </summary>
public sealed class StrangerRequestTests
{
    private static readonly VideoId Video = VideoId.New(DateTimeOffset.UnixEpoch);
    private static readonly Guid Session = Guid.Parse("0b8f7a36-3f1e-4a55-9d0a-1d8d2f3f4a5b");
    private static readonly EdgeTokens Tokens = new(EdgeRig.SigningKey);
    private static readonly DateTimeOffset FarAhead = new(2099, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>Requests without a good token, with the statuses that nginx gives them.</summary>
    private static IEnumerable<(string Request, int Status)> OfStrangers()
    {
        var forged = new EdgeTokens("another key another key another key!").Prefix(Video, Session, FarAhead);
        var expired = Tokens.Prefix(Video, Session, new(2020, 1, 1, 0, 0, 0, TimeSpan.Zero));
        var file = $"/media/{Video}/720p/1.m4s";
        yield return ($"GET {file}?CMCD=sid%3D%22{Session}%22 HTTP/1.1", 403);
        yield return ($"GET {forged}{file} HTTP/1.1", 403);
        yield return ($"GET {expired}{file} HTTP/1.1", 403);
        yield return ($"GET {Tokens.Prefix(Video, Session, FarAhead)}/ HTTP/1.1", 403);
        yield return ("GET /elsewhere HTTP/1.1", 404);
        yield return ($"POST {file} HTTP/1.1", 405);
        // nginx gives these a server's error by itself, before it looks for a token.
        yield return ($"GET {forged}{file} HTTP/9.9", 505);
        yield return ($"GET {forged}{file} HTTP/1.1\r\nTransfer-Encoding: gzip", 501);
        yield return ($"GET {Tokens.Prefix(Video, Session, FarAhead)}{file} HTTP/9.9", 505);
    }

    [Fact]
    public async Task Only_requests_with_a_good_token_carry_a_session_in_the_log()
    {
        await using var rig = await EdgeRig.StartAsync();
        var edge = await rig.EdgeAsync();
        var strangers = OfStrangers().ToList();

        foreach (var (request, status) in strangers)
            Assert.Equal((request, status), (request, await EdgeRig.SendRawAsync(edge, request)));
        await rig.Http.GetStringAsync(
            $"{edge.Url}{Tokens.Prefix(Video, Session, FarAhead)}/media/{Video}/720p/1.m4s?CMCD=sid%3D%22other%22"
        );

        var served = await ServedAsync(edge, strangers.Count + 1);
        Assert.All(served.SkipLast(1), request => Assert.False(request.Signed, $"{request.Status} {request.Path}"));
        Assert.True(served[^1].Signed);
        Assert.Equal(Session.ToString(), served[^1].SessionId);
        var log = await File.ReadAllTextAsync(edge.AccessLog);
        Assert.DoesNotContain(Tokens.Prefix(Video, Session, FarAhead)[^22..], log);
    }

    private static async Task<IReadOnlyList<CdnRequestServed>> ServedAsync(EdgeProcess edge, int count)
    {
        await Wait.UntilAsync("every request is in the log", () => File.ReadAllLines(edge.AccessLog).Length >= count);
        var reader = new AccessLogReader(new EdgeNames(PlatformEdge.Read(EdgeRig.Configuration, [], needed: false)));
        var source = new LogSource("edge-a", IsClaimed: false, TimeProvider.System.GetUtcNow());
        return
        [
            .. File.ReadAllLines(edge.AccessLog)
                .Select(line =>
                    reader.TryRead(line, source, out var fault) ?? throw new InvalidDataException(fault?.Cause)
                ),
        ];
    }
}
