using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace EventStream.Cli.Uploads;

/// <summary>How far the upload of a file is, in bytes; where this run began, and how long it takes so far.</summary>
internal sealed record UploadProgress(long SentBytes, long SizeBytes, long BeganAtBytes, TimeSpan Elapsed);

/// <summary>A file, and what its video is to be: the title, and the id of the video whose place it takes.</summary>
internal sealed record FileToSend(FileInfo File, string? Title, string? Replaces);

/// <summary>
/// Sends files by tus. The idempotency key of a file follows from its name, size, time, title and the video it
/// replaces, so that the same command again finds the upload that it began and goes on with it, from any machine that
/// has the file.
/// </summary>
internal sealed class FileUpload(HttpClient http, UploadTarget target, long chunkBytes, TimeProvider time)
{
    /// <summary>Failures in a row, with not a byte stored between them, after which it is given up.</summary>
    public const int FailuresMax = 10;

    /// <summary>Uploads of the same file that came to nothing, after which a user has to look.</summary>
    private const int GenerationsMax = 20;

    private static readonly TimeSpan PauseMax = TimeSpan.FromSeconds(30);

    /// <summary>How long a server may be silent.</summary>
    private static readonly TimeSpan SilenceMax = TimeSpan.FromMinutes(5);

    /// <summary>
    /// Sends what is missing of a file and returns the id of its video. Throws <see cref="CommandException"/> where the
    /// server refuses, or does not answer for too long.
    /// </summary>
    public async Task<string> SendAsync(
        FileToSend what,
        IProgress<UploadProgress> progress,
        CancellationToken cancellation
    )
    {
        await using var content = new FileStream(
            what.File.FullName,
            FileMode.Open,
            FileAccess.Read,
            FileShare.Read,
            bufferSize: 0,
            useAsync: true
        );
        var size = content.Length;
        var (location, id) = await CreateAsync(what, size, cancellation);
        var offset = await RetriedAsync(() => OffsetAsync(location, cancellation), cancellation);
        var (began, started, failures) = (offset, time.GetTimestamp(), 0);
        void Report(long sent) => progress.Report(new(sent, size, began, time.GetElapsedTime(started)));
        Report(offset);
        while (offset < size)
        {
            try
            {
                offset = await AppendAsync(location, content, offset, size, Report, cancellation);
                failures = 0;
            }
            catch (Exception e) when (IsTransient(e, cancellation))
            {
                if (++failures > FailuresMax)
                    throw GivenUp(e);
                await PauseAsync(failures, e, cancellation);
                var held = await RetriedAsync(() => OffsetAsync(location, cancellation), cancellation);
                failures = held > offset ? 0 : failures;
                offset = held;
            }
        }

        return id;
    }

    /// <summary>Creates the upload, or finds the one that an earlier run created.</summary>
    private async Task<(Uri Location, string VideoId)> CreateAsync(
        FileToSend what,
        long size,
        CancellationToken cancellation
    )
    {
        var (name, title, replaces) = (what.File.Name, what.Title, what.Replaces);
        var metadata =
            $"filename {Base64(name)}"
            + (title is null ? "" : $",title {Base64(title)}")
            + (replaces is null ? "" : $",replaces {Base64(replaces)}");
        var same = $"{name}\n{size}\n{what.File.LastWriteTimeUtc.Ticks}\n{title}\n{replaces}";
        var key = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(same)));
        for (var generation = 0; generation < GenerationsMax; generation++)
        {
            // What was taken back, expired or deleted is sent again, as an upload of its own.
            var draw = generation == 0 ? key : string.Create(CultureInfo.InvariantCulture, $"{key}-{generation}");
            var created = await RetriedAsync(
                async () =>
                {
                    using var request = Request(HttpMethod.Post, new Uri(target.Url, "/v1/uploads"));
                    request.Headers.Add("Upload-Length", size.ToString(CultureInfo.InvariantCulture));
                    request.Headers.Add("Upload-Metadata", metadata);
                    request.Headers.Add("Idempotency-Key", draw);
                    using var answer = await AskAsync(request, cancellation, HttpStatusCode.Gone);
                    return answer.StatusCode == HttpStatusCode.Gone
                        ? null
                        : Tuple.Create(answer.Headers.Location!, answer.Headers.GetValues("X-Video-Id").Single());
                },
                cancellation
            );
            if (created is not null)
                return (created.Item1, created.Item2);
        }

        throw new CommandException(
            $"{GenerationsMax} uploads of '{name}' came to nothing. Look at the library, or change its title."
        );
    }

    private async Task<long> OffsetAsync(Uri location, CancellationToken cancellation)
    {
        using var request = Request(HttpMethod.Head, location);
        using var answer = await AskAsync(request, cancellation);
        return Number(answer, "Upload-Offset");
    }

    private async Task<long> AppendAsync(
        Uri location,
        FileStream content,
        long offset,
        long size,
        Action<long> report,
        CancellationToken cancellation
    )
    {
        using var silence = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        silence.CancelAfter(SilenceMax);
        using var request = Request(HttpMethod.Patch, location);
        request.Headers.Add("Upload-Offset", offset.ToString(CultureInfo.InvariantCulture));
        request.Content = new FilePart(
            content,
            offset,
            Math.Min(chunkBytes, size - offset),
            sent =>
            {
                silence.CancelAfter(SilenceMax);
                report(sent);
            }
        );
        using var answer = await SendPartAsync(request, silence.Token);
        var held = Number(answer, "Upload-Offset");
        report(held);
        return held;
    }

    private async Task<HttpResponseMessage> SendPartAsync(HttpRequestMessage request, CancellationToken cancellation)
    {
        try
        {
            return await AskAsync(request, cancellation);
        }
        catch (HttpRequestException e) when (e.InnerException is CommandException)
        {
            // It was the file that failed, and not the connection.
            throw new CommandException(e.InnerException!.Message, e);
        }
    }

    private HttpRequestMessage Request(HttpMethod method, Uri url)
    {
        var request = new HttpRequestMessage(method, url);
        request.Headers.Authorization = new("Bearer", target.Key);
        request.Headers.Add("Tus-Resumable", "1.0.0");
        return request;
    }

    /// <summary>
    /// An answer that is a success, or of the one other status. Throws <see cref="TryAgainException"/> where waiting
    /// may help, and <see cref="CommandException"/> with the server's own words where it does not.
    /// </summary>
    private async Task<HttpResponseMessage> AskAsync(
        HttpRequestMessage request,
        CancellationToken cancellation,
        HttpStatusCode? other = null
    )
    {
        var answer = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellation);
        if (answer.IsSuccessStatusCode || answer.StatusCode == other)
            return answer;
        using (answer)
        {
            var words = await WordsAsync(answer, cancellation);
            if ((int)answer.StatusCode is 409 or 423 or 429 or >= 500)
                throw new TryAgainException(words, answer.Headers.RetryAfter?.Delta);
            throw new CommandException(words);
        }
    }

    private static async Task<string> WordsAsync(HttpResponseMessage answer, CancellationToken cancellation)
    {
        var status = $"The server answered {(int)answer.StatusCode}";
        var text = await answer.Content.ReadAsStringAsync(cancellation);
        try
        {
            var problem = JsonElement.Parse(text);
            return $"{status}: {problem.GetProperty("title").GetString()}. {problem.GetProperty("detail").GetString()}";
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            return $"{status}.";
        }
    }

    private async Task<T> RetriedAsync<T>(Func<Task<T>> ask, CancellationToken cancellation)
    {
        for (var failures = 1; ; failures++)
        {
            try
            {
                return await ask();
            }
            catch (Exception e) when (IsTransient(e, cancellation))
            {
                if (failures > FailuresMax)
                    throw GivenUp(e);
                await PauseAsync(failures, e, cancellation);
            }
        }
    }

    private Task PauseAsync(int failures, Exception e, CancellationToken cancellation)
    {
        var pause = (e as TryAgainException)?.After ?? TimeSpan.FromMilliseconds(250 * Math.Pow(2, failures - 1));
        return Task.Delay(pause < PauseMax ? pause : PauseMax, time, cancellation);
    }

    private static bool IsTransient(Exception e, CancellationToken cancellation) =>
        !cancellation.IsCancellationRequested
        && e is HttpRequestException or TryAgainException or OperationCanceledException or HttpIOException;

    private static CommandException GivenUp(Exception e) =>
        new($"Given up after {FailuresMax} failures in a row. {e.Message} The same command goes on from here.", e);

    private static long Number(HttpResponseMessage answer, string header) =>
        long.Parse(answer.Headers.GetValues(header).Single(), NumberStyles.None, CultureInfo.InvariantCulture);

    private static string Base64(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));

    private sealed class TryAgainException(string message, TimeSpan? after) : Exception(message)
    {
        public TimeSpan? After { get; } = after;
    }
}
