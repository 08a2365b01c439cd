using System.Net.Http.Headers;

namespace EventStream.Hosting.Access;

/// <summary>
/// Adds the service credential to requests that one role sends to another. Only to addresses of the platform: use it
/// with the client of one role, never with one that follows addresses from outside.
/// </summary>
public sealed class ServiceCredential(AccessOptions options)
{
    /// <summary>Signs a request as a service's, on behalf of <paramref name="user"/> where one asks.</summary>
    public void Apply(HttpRequestMessage request, Caller? user = null)
    {
        if (options.ServiceKey is not { } key)
            return;
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
        if (user is not null && user.Role != AccessRole.Service)
            request.Headers.Add(KeyAuthentication.OnBehalfOf, KeyAuthentication.Format(user));
    }

    /// <summary>A handler that signs each request of an <see cref="HttpClient"/>.</summary>
    public HttpMessageHandler Handler() => new Signing(this) { InnerHandler = new SocketsHttpHandler() };

    private sealed class Signing(ServiceCredential credential) : DelegatingHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(
            HttpRequestMessage request,
            CancellationToken cancellationToken
        )
        {
            credential.Apply(request);
            return base.SendAsync(request, cancellationToken);
        }
    }
}
