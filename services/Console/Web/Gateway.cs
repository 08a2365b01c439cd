using System.Net.Http.Headers;
using EventStream.Hosting;
using EventStream.Hosting.Access;

namespace EventStream.Console.Web;

/// <summary>
/// Passes a page's request on to the role that knows the answer, so that a page reads from one origin. Waits and sizes
/// are bounded; a role that does not answer becomes a 502 or 504 that names it.
/// </summary>
internal sealed class Gateway(
    IHttpClientFactory clients, ConsoleOptions options, IConfiguration configuration,
    ServiceCredential credential)
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

            credential.Apply(request, http.Caller());
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
            using var request = new HttpRequestMessage(
                HttpMethod.Get, RoleAddresses.Url(configuration, role) + path);
            credential.Apply(request);
            using var answer = await clients.CreateClient(Client).SendAsync(request, timeout.Token);
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
}
