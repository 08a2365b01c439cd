using System.Net.Http.Headers;
using EventStream.Messaging.Hosting;

namespace EventStream.Console.Web;

/// <summary>
/// Passes a page's request on to the role that knows the answer, so that a page reads from one origin. Waits and sizes
/// are bounded; a role that does not answer becomes a 502 or 504 that names it.
/// </summary>
internal sealed class Gateway(
    IHttpClientFactory clients, ConsoleOptions options, IConfiguration configuration, ILogger<Gateway> logger)
{
    public const string Client = "gateway";

    /// <summary>Passes a GET, or a POST with a small JSON body, on to <paramref name="role"/>.</summary>
    public async Task ForwardAsync(HttpContext http, string role, string pathAndQuery)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted);
        timeout.CancelAfter(options.UpstreamTimeout);
        try
        {
            using var request = new HttpRequestMessage(
                new HttpMethod(http.Request.Method), RoleAddresses.Url(configuration, role) + pathAndQuery);
            if (HttpMethods.IsPost(http.Request.Method))
            {
                request.Content = new StreamContent(http.Request.Body);
                request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
            }

            if (role == "upload" && ApiKey() is { } key) request.Headers.Authorization = new("Bearer", key);
            using var answer = await clients.CreateClient(Client).SendAsync(request, timeout.Token);
            var body = await answer.Content.ReadAsByteArrayAsync(timeout.Token);
            http.Response.StatusCode = (int)answer.StatusCode;
            http.Response.ContentType = answer.Content.Headers.ContentType?.ToString();
            http.Response.Headers.CacheControl = "no-store";
            await http.Response.Body.WriteAsync(body, http.RequestAborted);
        }
        catch (HttpRequestException e)
        {
            await ProblemAsync(http, 502, $"The role '{role}' does not answer", e.Message);
        }
        catch (OperationCanceledException) when (!http.RequestAborted.IsCancellationRequested)
        {
            await ProblemAsync(
                http, 504, $"The role '{role}' does not answer in time",
                    $"Waited {options.UpstreamTimeout.TotalSeconds:0} s.");
        }
    }

    /// <summary>The text of a role's answer, or null and why there is none.</summary>
    public async Task<(string? Json, string? Trouble)> TryReadAsync(
        string role, string path, CancellationToken cancellation)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        timeout.CancelAfter(options.UpstreamTimeout);
        try
        {
            using var answer = await clients.CreateClient(Client)
                .GetAsync(RoleAddresses.Url(configuration, role) + path, timeout.Token);
            var text = await answer.Content.ReadAsStringAsync(timeout.Token);
            return answer.IsSuccessStatusCode ? (text, null) : (null, $"{role} answered {(int)answer.StatusCode}");
        }
        catch (Exception e) when (e is HttpRequestException || !cancellation.IsCancellationRequested)
        {
            return (null, $"{role} does not answer");
        }
    }

    public static Task ProblemAsync(HttpContext http, int status, string title, string detail) =>
        Results.Problem(statusCode: status, title: title, detail: detail).ExecuteAsync(http);

    private string? ApiKey()
    {
        if (options.ApiKeyFile is not { Length: > 0 } file) return null;
        try
        {
            return File.ReadAllText(file).Trim();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            GatewayLog.NoKey(logger, e.Message);
            return null;
        }
    }
}

internal static partial class GatewayLog
{
    [LoggerMessage(Level = LogLevel.Warning, Message = "The API key for reading the library cannot be read: {Reason}")]
    public static partial void NoKey(ILogger logger, string reason);
}
