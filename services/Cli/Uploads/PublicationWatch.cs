using System.Net.ServerSentEvents;
using System.Text.Json;

namespace EventStream.Cli.Uploads;

/// <summary>Listens to the progress of a video until nothing follows.</summary>
internal sealed class PublicationWatch(HttpClient http, UploadTarget target, TimeProvider time)
{
    /// <summary>Streams that broke off in a row, without an event, after which it is given up.</summary>
    private const int FailuresMax = 10;

    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    /// <summary>The server sends something every 15 seconds.</summary>
    private static readonly TimeSpan SilenceMax = TimeSpan.FromSeconds(60);

    /// <summary>
    /// Says what is said of a video, and returns its last progress. Throws <see cref="CommandException"/> where the
    /// server refuses or is away for too long.
    /// </summary>
    public async Task<JsonElement> UntilEndAsync(string id, Action<JsonElement> say, CancellationToken cancellation)
    {
        for (var failures = 0; failures < FailuresMax; failures++)
        {
            using var silence = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            silence.CancelAfter(SilenceMax);
            try
            {
                await foreach (var item in ListenAsync(id, silence.Token))
                {
                    silence.CancelAfter(SilenceMax);
                    failures = 0;
                    if (item.EventType == "progress")
                        say(JsonElement.Parse(item.Data));
                    if (item.EventType == "end")
                        return JsonElement.Parse(item.Data);
                }
            }
            catch (Exception e)
                when (!cancellation.IsCancellationRequested
                    && e is HttpRequestException or IOException or OperationCanceledException
                )
            {
                // Each event is whole: the next stream says what this one did not.
            }

            await Task.Delay(Pause, time, cancellation);
        }

        throw new CommandException(
            $"The progress of video {id} cannot be read. `GET /v1/videos/{id}` says what it is."
        );
    }

    private async IAsyncEnumerable<SseItem<string>> ListenAsync(
        string id,
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation
    )
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(target.Url, $"/v1/videos/{id}/progress"));
        request.Headers.Authorization = new("Bearer", target.Key);
        using var answer = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellation);
        if ((int)answer.StatusCode is 401 or 403 or 404 or 410)
            throw new CommandException($"The server answered {(int)answer.StatusCode} for the video {id}.");
        answer.EnsureSuccessStatusCode();
        await using var stream = await answer.Content.ReadAsStreamAsync(cancellation);
        await foreach (var item in SseParser.Create(stream).EnumerateAsync(cancellation))
            yield return item;
    }
}
