using System.Diagnostics;
using System.Net;
using EventStream.Console.SignIn;
using EventStream.Hosting;
using EventStream.Hosting.Access;
using Yarp.ReverseProxy.Forwarder;

namespace EventStream.Console;

/// <summary>
/// Passes a page's request on to the role that knows the answer, so that a page reads from one origin and never holds
/// a key. Waits are bounded; a role that does not answer becomes a 502 or 504 that names it.
/// </summary>
internal sealed class Gateway(
    IHttpForwarder forwarder,
    IHttpClientFactory clients,
    ConsoleOptions options,
    IConfiguration configuration,
    ServiceCredential credential
) : IDisposable
{
    /// <summary>The client of the console's own reads.</summary>
    public const string Client = "gateway";

    private readonly HttpMessageInvoker client = new(
        new SocketsHttpHandler
        {
            UseProxy = false,
            UseCookies = false,
            AllowAutoRedirect = false,
            ConnectTimeout = options.UpstreamTimeout,
            ActivityHeadersPropagator = DistributedContextPropagator.Current,
        }
    );

    /// <summary>
    /// Passes a request on to <paramref name="role"/>: on behalf of <paramref name="user"/>, or as the console itself
    /// where the route's policy has decided already. <paramref name="quietMax"/> is the longest time in which not a
    /// byte moves.
    /// </summary>
    public async Task ForwardAsync(
        HttpContext http,
        string role,
        string pathAndQuery,
        Caller? user = null,
        TimeSpan? quietMax = null
    )
    {
        var wait = quietMax ?? options.UpstreamTimeout;
        var transformer = new Signing(credential, pathAndQuery, user);
        var error = await forwarder.SendAsync(
            http,
            RoleAddresses.Url(configuration, role),
            client,
            new ForwarderRequestConfig { ActivityTimeout = wait },
            transformer,
            http.RequestAborted
        );
        if (http.Response.HasStarted || http.RequestAborted.IsCancellationRequested)
            return;
        if (transformer.IsUnknown)
        {
            await ProblemAsync(
                http,
                502,
                $"The role '{role}' does not know the console",
                "Every role of a platform needs the same Access:ServiceKey and Access:Keys."
            );
        }
        else if (http.Response.StatusCode == StatusCodes.Status504GatewayTimeout && error != ForwarderError.None)
        {
            var waited = $"Waited {wait.TotalSeconds:0} s.";
            await ProblemAsync(http, 504, $"The role '{role}' does not answer in time", waited);
        }
        else if (error != ForwarderError.None)
        {
            var cause = http.GetForwarderErrorFeature()?.Exception?.Message ?? $"{error}";
            await ProblemAsync(http, http.Response.StatusCode, $"The role '{role}' does not answer", cause);
        }
    }

    /// <summary>The text of a role's answer, or null and why there is none.</summary>
    public async Task<(string? Json, string? Trouble)> TryReadAsync(
        string role,
        string path,
        CancellationToken cancellation
    )
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        timeout.CancelAfter(options.UpstreamTimeout);
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, RoleAddresses.Url(configuration, role) + path);
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

    public void Dispose() => client.Dispose();

    public static Task ProblemAsync(HttpContext http, int status, string title, string detail) =>
        Results.Problem(statusCode: status, title: title, detail: detail).ExecuteAsync(http);

    private sealed class Signing(ServiceCredential credential, string pathAndQuery, Caller? user) : HttpTransformer
    {
        /// <summary>What is between the browser and the console, or says who asks, is not the role's.</summary>
        private static readonly string[] OwnHeaders =
        [
            "Cookie",
            "Authorization",
            Sessions.TokenHeader,
            KeyAuthentication.OnBehalfOf,
            "X-Forwarded-For",
            "X-Forwarded-Host",
            "X-Forwarded-Proto",
            "X-Original-For",
            "X-Original-Host",
            "X-Original-Proto",
        ];

        /// <summary>Whether the role does not know the console. A page would take its 401 for the user's.</summary>
        public bool IsUnknown { get; private set; }

        public override async ValueTask TransformRequestAsync(
            HttpContext httpContext,
            HttpRequestMessage proxyRequest,
            string destinationPrefix,
            CancellationToken cancellationToken
        )
        {
            await base.TransformRequestAsync(httpContext, proxyRequest, destinationPrefix, cancellationToken);
            proxyRequest.RequestUri = new Uri(destinationPrefix + pathAndQuery);
            foreach (var header in OwnHeaders)
                proxyRequest.Headers.Remove(header);
            proxyRequest.Headers.Host = null;
            // Names the address that asks, for bounds per address.
            if (httpContext.Connection.RemoteIpAddress is { } address)
                proxyRequest.Headers.TryAddWithoutValidation("X-Forwarded-For", $"{address}");
            credential.Apply(proxyRequest, user);
        }

        public override async ValueTask<bool> TransformResponseAsync(
            HttpContext httpContext,
            HttpResponseMessage? proxyResponse,
            CancellationToken cancellationToken
        )
        {
            IsUnknown = proxyResponse?.StatusCode == HttpStatusCode.Unauthorized;
            if (IsUnknown || !await base.TransformResponseAsync(httpContext, proxyResponse, cancellationToken))
                return false;
            var headers = httpContext.Response.Headers;
            headers.CacheControl = "no-store";
            // A role says where it is itself; the page goes on through the console.
            if (
                proxyResponse?.Headers.Location?.OriginalString is { } location
                && location.LastIndexOf("/v1/", StringComparison.Ordinal) is >= 0 and var at
            )
            {
                headers.Location = ConsoleApi.Prefix + location[(at + "/v1".Length)..];
            }

            return true;
        }
    }
}
