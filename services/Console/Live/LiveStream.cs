using System.Text;
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
    /// Rounds without a change after which a comment shows the page, and any proxy, that the stream is alive.
    /// </summary>
    private const int QuietRoundsMax = 10;

    public static async Task SendAsync(
        HttpContext http,
        LiveBoard board,
        LiveListeners listeners,
        TimeProvider clock,
        IHostApplicationLifetime life
    )
    {
        using var place = listeners.Enter(http.Caller()!);
        if (place is null)
        {
            await Gateway.ProblemAsync(
                http,
                StatusCodes.Status503ServiceUnavailable,
                "Too many pages listen",
                "Try again in a minute."
            );
            return;
        }

        using var ends = CancellationTokenSource.CreateLinkedTokenSource(
            http.RequestAborted,
            life.ApplicationStopping,
            place.Replaced
        );
        try
        {
            http.Response.ContentType = "text/event-stream";
            http.Response.Headers.CacheControl = "no-store";
            await SendAsync(http.Response, board, Wanted(http.Request), clock, ends.Token);
        }
        catch (OperationCanceledException) when (place.Replaced.IsCancellationRequested)
        {
            // The page must not connect again by itself: it would end the next one.
            await http
                .Response.Body.WriteAsync("event: replaced\ndata: {}\n\n"u8.ToArray(), http.RequestAborted)
                .AsTask()
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        catch (OperationCanceledException) when (ends.IsCancellationRequested)
        {
            // The page is closed or the role stops; the page's EventSource connects again by itself.
        }
    }

    private static HashSet<string> Wanted(HttpRequest request)
    {
        var asked = request.Query["parts"].ToString();
        return asked.Length == 0
            ? [.. LiveBoard.Parts]
            : [.. asked.Split(',').Intersect(LiveBoard.Parts, StringComparer.Ordinal)];
    }

    private static async Task SendAsync(
        HttpResponse response,
        LiveBoard board,
        HashSet<string> wanted,
        TimeProvider clock,
        CancellationToken cancellation
    )
    {
        var sent = wanted.ToDictionary(part => part, _ => -1L, StringComparer.Ordinal);
        for (var quiet = 0; ; quiet++)
        {
            foreach (var part in wanted)
            {
                if (board.Version(part) == sent[part])
                    continue;
                var (version, json) = board.Render(part);
                sent[part] = version;
                quiet = 0;
                await response.Body.WriteAsync(
                    Encoding.UTF8.GetBytes($"event: {part}\ndata: {json}\n\n"),
                    cancellation
                );
            }

            if (quiet >= QuietRoundsMax)
            {
                await response.Body.WriteAsync(": alive\n\n"u8.ToArray(), cancellation);
                quiet = 0;
            }

            await response.Body.FlushAsync(cancellation);
            await Task.Delay(Interval, clock, cancellation);
        }
    }
}
