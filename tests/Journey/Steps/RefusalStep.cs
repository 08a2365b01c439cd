using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

namespace EventStream.Journey.Steps;

/// <summary>
/// Bad input along the journey: each must be refused with words, and the edge must refuse what is not signed.
/// </summary>
public static class RefusalStep
{
    public static async Task EdgeAsync(Platform platform, Facts facts, Show show, CancellationToken cancellation)
    {
        var session = await SessionAsync(platform, facts.VideoId, cancellation);
        var signed = new Uri(session.GetProperty("hlsUrl").GetString()!);
        await ExpectAsync(signed.ToString(), HttpStatusCode.OK, "signed URL");
        var parts = signed.AbsolutePath.Split('/');
        // /s/{expires}/{session}/{signature}/media/{video}/...
        var signature = parts[Array.IndexOf(parts, "media") - 1];
        var expired = signed.ToString().Replace(parts[2], "1000000000", StringComparison.Ordinal);
        var forged = signed.ToString().Replace(signature, new string('A', signature.Length), StringComparison.Ordinal);
        var unsigned = $"{signed.GetLeftPart(UriPartial.Authority)}/media/{facts.VideoId}/master.m3u8";
        await ExpectAsync(unsigned, HttpStatusCode.Forbidden, "unsigned URL");
        await ExpectAsync(forged, HttpStatusCode.Forbidden, "forged signature");
        await ExpectAsync(expired, HttpStatusCode.Forbidden, "expired URL");

        async Task ExpectAsync(string url, HttpStatusCode status, string what)
        {
            using var answer = await platform.Http.GetAsync(url, cancellation);
            if (answer.StatusCode != status)
                throw new JourneyException($"edge: {what} answered {(int)answer.StatusCode}");
            facts.Refusals.Add($"{what}: {(int)status}");
            show.Line($"{what}: {(int)status}");
        }
    }

    public static async Task InputAsync(Platform platform, Facts facts, Show show, CancellationToken cancellation)
    {
        var uploads = $"{platform.Url("upload")}/v1/uploads";
        await ExpectAsync("unknown API key", 401, Creation("wrong-key", 100));
        await ExpectAsync("empty file", 422, Creation(platform.Env.PublisherKey, 0));
        await ExpectAsync("oversized upload", 413, Creation(platform.Env.PublisherKey, 1L << 50));
        var report = new HttpRequestMessage(HttpMethod.Post, $"{platform.Url("collect")}/v1/cmcd")
        {
            Content = new StringContent("br=(1,sid=", Encoding.UTF8, "application/cmcd"),
        };
        await ExpectAsync("malformed CMCD", 400, report);

        HttpRequestMessage Creation(string key, long length)
        {
            var request = new HttpRequestMessage(HttpMethod.Post, uploads);
            request.Headers.Add("Tus-Resumable", "1.0.0");
            request.Headers.Add("Upload-Length", $"{length}");
            request.Headers.Add("Upload-Metadata", $"filename {Convert.ToBase64String("x.mp4"u8)}");
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
            return request;
        }

        async Task ExpectAsync(string what, int status, HttpRequestMessage request)
        {
            using (request)
            {
                using var answer = await platform.Http.SendAsync(request, cancellation);
                var body = await answer.Content.ReadAsStringAsync(cancellation);
                if ((int)answer.StatusCode != status)
                    throw new JourneyException($"{what} answered {(int)answer.StatusCode} instead of {status}: {body}");
                var words = JsonDocument.Parse(body).RootElement.GetProperty("detail").GetString();
                facts.Refusals.Add($"{what}: {status} {words}");
                show.Line($"{what}: {status} {words}");
            }
        }
    }

    /// <summary>Opens a playback session and returns what playback answered.</summary>
    public static async Task<JsonElement> SessionAsync(Platform platform, string video, CancellationToken cancellation)
    {
        using var answer = await platform.Http.PostAsync(
            $"{platform.Url("playback")}/v1/videos/{video}/sessions",
            new StringContent("{}", Encoding.UTF8, "application/json"),
            cancellation
        );
        var body = await answer.Content.ReadAsStringAsync(cancellation);
        if (!answer.IsSuccessStatusCode)
            throw new JourneyException($"playback answered {(int)answer.StatusCode}: {body}");
        return JsonDocument.Parse(body).RootElement;
    }
}
