using System.Diagnostics;
using EventStream.Console.SignIn;
using EventStream.Hosting;
using EventStream.Hosting.Access;
using EventStream.Hosting.OpenApi;
using Yarp.ReverseProxy.Forwarder;

namespace EventStream.Console;

/// <summary>
/// Passes the upload page's tus requests on to Upload, on behalf of who is signed in: the page never holds a key.
/// Scripts go to Upload itself.
/// </summary>
internal sealed class UploadProxy : IDisposable
{
    private const string Prefix = "/api";
    private static readonly string[] Methods = ["POST", "HEAD", "PATCH", "DELETE", "OPTIONS"];
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(8);

    /// <summary>Longest time in which not a byte moves. Upload makes a chunk durable before it answers.</summary>
    private static readonly ForwarderRequestConfig Config = new() { ActivityTimeout = TimeSpan.FromSeconds(100) };

    private readonly IHttpForwarder forwarder;
    private readonly string destination;
    private readonly HttpMessageInvoker client = new(
        new SocketsHttpHandler
        {
            UseProxy = false,
            UseCookies = false,
            AllowAutoRedirect = false,
            ConnectTimeout = ConnectTimeout,
            ActivityHeadersPropagator = DistributedContextPropagator.Current,
        }
    );

    private readonly Signing transformer;

    public UploadProxy(IHttpForwarder forwarder, ServiceCredential credential, IConfiguration configuration)
    {
        this.forwarder = forwarder;
        destination = RoleAddresses.Url(configuration, "upload");
        transformer = new Signing(credential);
    }

    public static void Map(IEndpointRouteBuilder routes)
    {
        foreach (var route in (string[])[Prefix + "/uploads", Prefix + "/uploads/{id}"])
        {
            routes
                .MapMethods(route, Methods, (HttpContext http, UploadProxy proxy) => proxy.SendAsync(http))
                .RequireAuthorization(Policies.Publish)
                .Describe("An upload by tus, as the role upload takes it, for who is signed in.", 502)
                .Answers(200);
        }
    }

    public void Dispose() => client.Dispose();

    private async Task SendAsync(HttpContext http)
    {
        var error = await forwarder.SendAsync(http, destination, client, Config, transformer, http.RequestAborted);
        if (error is ForwarderError.None || http.Response.HasStarted || http.RequestAborted.IsCancellationRequested)
            return;
        await Gateway.ProblemAsync(http, http.Response.StatusCode, "The role 'upload' does not answer", $"{error}");
    }

    private sealed class Signing(ServiceCredential credential) : HttpTransformer
    {
        /// <summary>What is between the browser and the console, or says who asks, is not Upload's.</summary>
        private static readonly string[] OwnHeaders =
        [
            "Cookie",
            "Authorization",
            Sessions.TokenHeader,
            KeyAuthentication.OnBehalfOf,
            "X-Forwarded-For",
            "X-Forwarded-Host",
            "X-Forwarded-Proto",
        ];

        public override async ValueTask TransformRequestAsync(
            HttpContext httpContext,
            HttpRequestMessage proxyRequest,
            string destinationPrefix,
            CancellationToken cancellationToken
        )
        {
            await base.TransformRequestAsync(httpContext, proxyRequest, destinationPrefix, cancellationToken);
            var path = httpContext.Request.Path.Value![Prefix.Length..];
            proxyRequest.RequestUri = new Uri($"{destinationPrefix}/v1{path}{httpContext.Request.QueryString}");
            foreach (var header in OwnHeaders)
                proxyRequest.Headers.Remove(header);
            proxyRequest.Headers.Host = null;
            Gateway.NameClient(proxyRequest, httpContext);
            credential.Apply(proxyRequest, httpContext.Caller());
        }

        public override async ValueTask<bool> TransformResponseAsync(
            HttpContext httpContext,
            HttpResponseMessage? proxyResponse,
            CancellationToken cancellationToken
        )
        {
            var hasBody = await base.TransformResponseAsync(httpContext, proxyResponse, cancellationToken);
            // Upload says where it is itself; the page goes on through the console.
            if (proxyResponse?.Headers.Location is { } location)
                httpContext.Response.Headers.Location =
                    $"{Prefix}/uploads/{location.OriginalString.TrimEnd('/').Split('/')[^1]}";
            return hasBody;
        }
    }
}
