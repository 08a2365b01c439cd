using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using EventStream.Hosting.Access;

namespace EventStream.Console.Live;

/// <summary>
/// Server-sent events: at the start every part of the board, then each part that changed, at most once a
/// <see cref="Interval"/>. The query <c>?parts=load,edges</c> asks for some parts only.
/// </summary>
internal static class LiveStream
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    /// <summary>
    /// Rounds without a change after which an event shows the page, and any proxy, that the stream is alive.
    /// </summary>
    private const int QuietRoundsMax = 10;

    public static IResult Send(
        HttpContext http,
        LiveBoard board,
        LiveListeners listeners,
        TimeProvider clock,
        IHostApplicationLifetime life
    ) =>
        listeners.Enter(http.Caller()!) is { } place
            ? TypedResults.ServerSentEvents(
                EventsAsync(place, board, Wanted(http.Request, board), clock, life.ApplicationStopping)
            )
            : Results.Problem(
                statusCode: StatusCodes.Status503ServiceUnavailable,
                title: "Too many pages listen",
                detail: "Try again in a minute."
            );

    private static IReadOnlyList<string> Wanted(HttpRequest request, LiveBoard board)
    {
        var asked = request.Query["parts"].ToString();
        return asked.Length == 0 ? board.Parts : [.. board.Parts.Intersect(asked.Split(','), StringComparer.Ordinal)];
    }

    private static async IAsyncEnumerable<SseItem<string>> EventsAsync(
        LiveListener listener,
        LiveBoard board,
        IReadOnlyList<string> wanted,
        TimeProvider clock,
        CancellationToken stopping,
        [EnumeratorCancellation] CancellationToken gone = default
    )
    {
        using var place = listener;
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(gone, stopping, place.Replaced);
        var sent = wanted.ToDictionary(part => part, _ => -1L, StringComparer.Ordinal);
        for (var quiet = 0; !ends.IsCancellationRequested; quiet++)
        {
            foreach (var part in wanted)
            {
                if (board.Version(part) == sent[part])
                    continue;
                (sent[part], var json) = board.Render(part);
                quiet = 0;
                yield return new SseItem<string>(json, part);
            }

            if (quiet >= QuietRoundsMax)
            {
                yield return new SseItem<string>("", "alive");
                quiet = 0;
            }

            await Task.Delay(Interval, clock, ends.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        // Where it was replaced, the page must not connect again by itself: it would end the next one. Where the role
        // stops, it does.
        if (place.Replaced.IsCancellationRequested)
            yield return new SseItem<string>("{}", "replaced");
    }
}
