using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace EventStream.Integration.Tests.Upload;

/// <summary>What the tests of tus say again and again.</summary>
internal static class TusHarness
{
    public static string Header(this HttpResponseMessage answer, string name) =>
        string.Join(',', answer.Headers.GetValues(name));

    public static string IdOf(string url) => url[(url.LastIndexOf('/') + 1)..];

    /// <summary>Title and detail of the problem that a request was refused with.</summary>
    public static async Task<string> ProblemAsync(this HttpResponseMessage answer, int status)
    {
        Assert.Equal(status, (int)answer.StatusCode);
        Assert.Equal("application/problem+json", answer.Content.Headers.ContentType!.MediaType);
        var problem = await answer.Content.ReadFromJsonAsync<JsonElement>();
        return $"{problem.GetProperty("title").GetString()}: {problem.GetProperty("detail").GetString()}";
    }

    public static byte[] Bytes(int count)
    {
        var bytes = new byte[count];
        new Random(count).NextBytes(bytes);
        return bytes;
    }

    public static string Hex(byte[] file) => Convert.ToHexStringLower(SHA256.HashData(file));

    public static string Metadata(params (string Key, string Value)[] pairs) =>
        string.Join(
            ',',
            pairs.Select(pair => $"{pair.Key} {Convert.ToBase64String(Encoding.UTF8.GetBytes(pair.Value))}")
        );

    public static async Task<long> OffsetAsync(this UploadHarness upload, string url)
    {
        using var head = await upload.SendAsync("HEAD", url, []);
        Assert.Equal(HttpStatusCode.OK, head.StatusCode);
        return long.Parse(head.Header("Upload-Offset"));
    }

    /// <summary>A chunk without a Content-Length, as a client sends that does not know the end.</summary>
    public static async Task<HttpResponseMessage> PatchChunkedAsync(
        this UploadHarness upload,
        string url,
        long offset,
        params byte[][] pieces
    )
    {
        using var request = new HttpRequestMessage(HttpMethod.Patch, url) { Content = new Pieces(pieces) };
        request.Headers.TryAddWithoutValidation("Tus-Resumable", "1.0.0");
        request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {UploadHarness.Key}");
        request.Headers.TryAddWithoutValidation("Upload-Offset", $"{offset}");
        request.Headers.TransferEncodingChunked = true;
        return await upload.Http.SendAsync(request);
    }

    private sealed class Pieces : HttpContent
    {
        private readonly byte[][] pieces;

        public Pieces(byte[][] pieces)
        {
            this.pieces = pieces;
            Headers.TryAddWithoutValidation("Content-Type", "application/offset+octet-stream");
        }

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            foreach (var piece in pieces)
            {
                await stream.WriteAsync(piece);
                await stream.FlushAsync();
            }
        }

        protected override bool TryComputeLength(out long length)
        {
            length = -1;
            return false;
        }
    }
}
