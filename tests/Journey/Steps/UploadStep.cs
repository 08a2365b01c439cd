using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;

namespace EventStream.Journey.Steps;

/// <summary>
/// Uploads the footage as a publisher by tus 1.0.0, lets the connection break half-way, asks the server how far it
/// got, and goes on from there.
/// </summary>
public static class UploadStep
{
    private const int RetriesMax = 10;

    public static async Task RunAsync(Platform platform, Facts facts, Show show, CancellationToken cancellation)
    {
        var file = JourneyOptions.Footage();
        facts.SourceBytes = new FileInfo(file).Length;
        await using (var source = File.OpenRead(file))
            facts.SourceSha256 = Convert.ToHexStringLower(await SHA256.HashDataAsync(source, cancellation));
        var (upload, video) = await CreateAsync(platform, facts, cancellation);
        facts.VideoId = video;
        show.Line($"video {video}: {facts.SourceBytes:N0} bytes announced");
        var clock = Stopwatch.StartNew();
        await BreakAsync(platform, upload, file, facts.SourceBytes / 2, cancellation);
        facts.ResumedOffset = await OffsetAsync(platform, upload, cancellation);
        if (facts.ResumedOffset <= 0 || facts.ResumedOffset >= facts.SourceBytes)
            throw new JourneyException(
                $"upload: after the break the server holds {facts.ResumedOffset} bytes, which is no half"
            );
        show.Line($"connection cut; the server holds {facts.ResumedOffset:N0} bytes, the upload goes on from there");
        await ResumeAsync(platform, upload, file, facts.ResumedOffset, cancellation);
        facts.UploadMegabytesPerSecond = facts.SourceBytes / 1e6 / clock.Elapsed.TotalSeconds;
        await VerifyAsync(platform, facts, cancellation);
        show.Line(
            string.Create(
                CultureInfo.InvariantCulture,
                $"stored: {facts.SourceBytes:N0} bytes, SHA-256 verified, {facts.UploadMegabytesPerSecond:0.0} MB/s "
                    + $"over both parts"
            )
        );
    }

    private static async Task<(Uri Upload, string Video)> CreateAsync(
        Platform platform,
        Facts facts,
        CancellationToken cancellation
    )
    {
        using var request = Request(platform, HttpMethod.Post, new Uri($"{platform.Url("upload")}/v1/uploads"));
        request.Headers.Add("Upload-Length", facts.SourceBytes.ToString(CultureInfo.InvariantCulture));
        static string Pair(string key, string value) =>
            $"{key} {Convert.ToBase64String(Encoding.UTF8.GetBytes(value))}";
        request.Headers.Add(
            "Upload-Metadata",
            string.Join(
                ',',
                Pair("filename", "big-buck-bunny.mp4"),
                Pair("filetype", "video/mp4"),
                Pair("title", "Big Buck Bunny"),
                Pair("sha256", facts.SourceSha256)
            )
        );
        using var answer = await platform.Http.SendAsync(request, cancellation);
        if (answer.StatusCode != HttpStatusCode.Created)
            throw new JourneyException($"upload: creation answered {await WordsAsync(answer, cancellation)}");
        var video = answer.Headers.TryGetValues("X-Video-Id", out var ids) ? ids.First() : "";
        return (new Uri(request.RequestUri!, answer.Headers.Location!), video);
    }

    /// <summary>Sends the first part with the length of the whole, then lets the connection die.</summary>
    private static async Task BreakAsync(
        Platform platform,
        Uri upload,
        string file,
        long bytes,
        CancellationToken cancellation
    )
    {
        using var request = Request(platform, HttpMethod.Patch, upload);
        request.Headers.Add("Upload-Offset", "0");
        request.Content = new StreamContent(new BrokenStream(File.OpenRead(file), bytes));
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/offset+octet-stream");
        request.Content.Headers.ContentLength = new FileInfo(file).Length;
        try
        {
            using var answer = await platform.Http.SendAsync(request, cancellation);
            throw new JourneyException($"upload: a broken body was answered {await WordsAsync(answer, cancellation)}");
        }
        catch (HttpRequestException)
        {
            // The cut connection is what this step is about.
        }
    }

    private static async Task<long> OffsetAsync(Platform platform, Uri upload, CancellationToken cancellation)
    {
        using var request = Request(platform, HttpMethod.Head, upload);
        using var answer = await platform.Http.SendAsync(request, cancellation);
        return answer.Headers.TryGetValues("Upload-Offset", out var values)
            ? long.Parse(values.First(), CultureInfo.InvariantCulture)
            : throw new JourneyException($"upload: HEAD answered {(int)answer.StatusCode} without an Upload-Offset");
    }

    /// <summary>
    /// Sends the rest; while the server still holds the dead connection it answers 409 or 423 and is asked again.
    /// </summary>
    private static async Task ResumeAsync(
        Platform platform,
        Uri upload,
        string file,
        long offset,
        CancellationToken cancellation
    )
    {
        for (var attempt = 1; ; attempt++)
        {
            using var request = Request(platform, HttpMethod.Patch, upload);
            request.Headers.Add("Upload-Offset", offset.ToString(CultureInfo.InvariantCulture));
            var source = File.OpenRead(file);
            source.Seek(offset, SeekOrigin.Begin);
            request.Content = new StreamContent(source);
            request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/offset+octet-stream");
            using var answer = await platform.Http.SendAsync(request, cancellation);
            if (answer.StatusCode == HttpStatusCode.NoContent)
                return;
            var busy = answer.StatusCode is HttpStatusCode.Conflict or HttpStatusCode.Locked;
            if (!busy || attempt == RetriesMax)
                throw new JourneyException(
                    $"upload: the second part was answered {await WordsAsync(answer, cancellation)}"
                );
            await Task.Delay(TimeSpan.FromMilliseconds(300), cancellation);
            offset = await OffsetAsync(platform, upload, cancellation);
        }
    }

    private static async Task VerifyAsync(Platform platform, Facts facts, CancellationToken cancellation)
    {
        var stored = Path.Combine(platform.Data, "media", "sources", facts.VideoId, "source");
        await using var source = File.OpenRead(stored);
        var digest = Convert.ToHexStringLower(await SHA256.HashDataAsync(source, cancellation));
        if (source.Length != facts.SourceBytes || digest != facts.SourceSha256)
            throw new JourneyException(
                $"upload: stored {source.Length} bytes with SHA-256 {digest}, sent {facts.SourceSha256}"
            );
    }

    private static HttpRequestMessage Request(Platform platform, HttpMethod method, Uri url)
    {
        var request = new HttpRequestMessage(method, url);
        request.Headers.Add("Tus-Resumable", "1.0.0");
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", platform.Env.PublisherKey);
        return request;
    }

    private static async Task<string> WordsAsync(HttpResponseMessage answer, CancellationToken cancellation) =>
        $"{(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync(cancellation)}";

    /// <summary>A file that can be read up to a point and then fails, as a network does.</summary>
    private sealed class BrokenStream(FileStream inner, long bytesBeforeBreak) : Stream
    {
        public override bool CanRead => true;
        public override bool CanSeek => false;
        public override bool CanWrite => false;
        public override long Length => inner.Length;
        public override long Position
        {
            get => inner.Position;
            set => throw new NotSupportedException();
        }

        public override int Read(byte[] buffer, int offset, int count)
        {
            var left = bytesBeforeBreak - inner.Position;
            if (left <= 0)
                throw new IOException("the connection is cut here on purpose");
            return inner.Read(buffer, offset, (int)Math.Min(count, left));
        }

        public override void Flush() => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            if (disposing)
                inner.Dispose();
            base.Dispose(disposing);
        }
    }
}
