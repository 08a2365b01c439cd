using System.Globalization;
using System.Net;
using System.Net.Http.Headers;

namespace EventStream.Upload.Pulls;

/// <summary>The file cannot be had from its address, now or later; the message says why, without the address.</summary>
internal sealed class PullRefusedException(string reason) : Exception(reason);

/// <summary>The file could not be had this time; the message says why, without the address.</summary>
internal sealed class PullFailedException(string reason) : Exception(reason);

/// <summary>
/// The bytes of a file from <see cref="Offset"/> on, as its server sends them: the length of the whole file in bytes
/// where the server says it, and what it calls these bytes, where it does so reliably.
/// </summary>
internal sealed class PullSource(HttpResponseMessage answer, long offset) : IDisposable
{
    public long Offset { get; } = offset;

    public long? LengthBytes =>
        answer.StatusCode == HttpStatusCode.PartialContent
            ? answer.Content.Headers.ContentRange!.Length
            : answer.Content.Headers.ContentLength;

    /// <summary>An ETag, where it is a strong one, or a time of change.</summary>
    public string? Validator =>
        answer.Headers.ETag is { IsWeak: false } tag ? tag.Tag : answer.Content.Headers.LastModified?.ToString("R");

    public Task<Stream> OpenAsync(CancellationToken cancellation) => answer.Content.ReadAsStreamAsync(cancellation);

    public void Dispose() => answer.Dispose();

    /// <summary>
    /// Asks for the bytes from <paramref name="offset"/> on, if they are still those of <paramref name="validator"/>;
    /// for all of them where it is null. Throws <see cref="PullRefusedException"/>, <see cref="PullFailedException"/>
    /// and what the client throws.
    /// </summary>
    public static async Task<PullSource> AskAsync(
        HttpClient http,
        Uri url,
        long offset,
        string? validator,
        CancellationToken cancellation
    )
    {
        var request = new HttpRequestMessage(HttpMethod.Get, url);
        request.Headers.Add("User-Agent", "EventStream-Pull/1");
        request.Headers.AcceptEncoding.Add(new("identity"));
        if (offset > 0 && validator is not null)
        {
            request.Headers.Range = new RangeHeaderValue(offset, null);
            request.Headers.TryAddWithoutValidation("If-Range", validator);
        }

        var answer = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellation);
        try
        {
            return new PullSource(answer, OffsetOf(answer, offset));
        }
        catch
        {
            answer.Dispose();
            throw;
        }
    }

    private static long OffsetOf(HttpResponseMessage answer, long asked)
    {
        var status = (int)answer.StatusCode;
        var words = string.Create(CultureInfo.InvariantCulture, $"The server answered {status}.");
        if (status is 408 or 416 or 425 or 429 or >= 500)
            throw new PullFailedException(words);
        if (status is not (200 or 206))
            throw new PullRefusedException(
                status is >= 300 and < 400 ? $"{words} It redirects too often, or to an address without TLS." : words
            );
        if (answer.Content.Headers.ContentEncoding.Count > 0)
            throw new PullRefusedException("The server sends the file compressed, though it was asked not to.");
        if (status == 200)
            return 0;
        return answer.Content.Headers.ContentRange?.From == asked
            ? asked
            : throw new PullRefusedException("The server sends another part of the file than it was asked for.");
    }
}
