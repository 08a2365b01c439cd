using System.Net;
using System.Net.Http.Headers;
using EventStream.Hosting;
using EventStream.Hosting.Access;

namespace EventStream.Console;

/// <summary>
/// Passes a page's request on to the role that knows the answer, so that a page reads from one origin. Waits and sizes
/// are bounded; a role that does not answer becomes a 502 or 504 that names it.
/// </summary>
internal sealed class Gateway(
    IHttpClientFactory clients,
    ConsoleOptions options,
    IConfiguration configuration,
    ServiceCredential credential
)
{
    public const string Client = "gateway";

    /// <summary>
    /// Passes a GET, or a POST with a small JSON body, on to <paramref name="role"/>: on behalf of
    /// <paramref name="user"/>, or as the console itself where the route's policy has decided already.
    /// </summary>
    public async Task ForwardAsync(HttpContext http, string role, string pathAndQuery, Caller? user = null)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted);
        timeout.CancelAfter(options.UpstreamTimeout);
        try
        {
            using var request = new HttpRequestMessage(
                new HttpMethod(http.Request.Method),
                RoleAddresses.Url(configuration, role) + pathAndQuery
            );
            if (HttpMethods.IsPost(http.Request.Method))
            {
                request.Content = new StreamContent(http.Request.Body);
                request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
            }

            NameClient(request, http);
            credential.Apply(request, user);
            using var answer = await clients.CreateClient(Client).SendAsync(request, timeout.Token);
            if (answer.StatusCode == HttpStatusCode.Unauthorized)
            {
                // The user is signed in; to a page, 401 would say otherwise.
                await ProblemAsync(
                    http,
                    502,
                    $"The role '{role}' does not know the console",
                    "Every role of a platform needs the same Access:ServiceKey and Access:Keys."
                );
                return;
            }

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
                http,
                504,
                $"The role '{role}' does not answer in time",
                $"Waited {options.UpstreamTimeout.TotalSeconds:0} s."
            );
        }
    }

    /// <summary>The text of a role's answer, or null and why there is none.</summary>
    public async Task<(string? Json, string? Trouble)> TryReadAsync(
        string role,
        string path,
        CancellationToken cancellation,
        Caller? user = null
    )
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        timeout.CancelAfter(options.UpstreamTimeout);
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, RoleAddresses.Url(configuration, role) + path);
            credential.Apply(request, user);
            using var answer = await clients.CreateClient(Client).SendAsync(request, timeout.Token);
            var text = await answer.Content.ReadAsStringAsync(timeout.Token);
            return answer.IsSuccessStatusCode ? (text, null) : (null, $"{role} answered {(int)answer.StatusCode}");
        }
        catch (Exception e) when (e is HttpRequestException || !cancellation.IsCancellationRequested)
        {
            return (null, $"{role} does not answer");
        }
    }

    /// <summary>Names the address that asks, for bounds per address.</summary>
    public static void NameClient(HttpRequestMessage request, HttpContext http)
    {
        if (http.Connection.RemoteIpAddress is { } address)
            request.Headers.TryAddWithoutValidation("X-Forwarded-For", $"{address}");
    }

    public static Task ProblemAsync(HttpContext http, int status, string title, string detail) =>
        Results.Problem(statusCode: status, title: title, detail: detail).ExecuteAsync(http);
}
