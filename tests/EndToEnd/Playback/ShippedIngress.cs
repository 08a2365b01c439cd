using System.Net;
using System.Net.Sockets;
using EventStream.Tests.Kit;

namespace EventStream.EndToEnd.Tests.Playback;

/// <summary>
/// An nginx that ends TLS with the hosts and paths of the shipped ingress (<c>infra/deploy/kubernetes</c>) and the
/// headers that ingress-nginx sets, before roles of this machine. All hosts share one port.
/// </summary>
internal sealed class ShippedIngress : IAsyncDisposable
{
    private TlsNginx nginx = null!;

    private ShippedIngress() { }

    /// <summary>Where it listens on loopback, in place of 443.</summary>
    public int Port { get; } = FreePort.Next();

    /// <summary>Starts it before the roles that answer at <paramref name="services"/>, by name.</summary>
    public static async Task<ShippedIngress> StartAsync(IReadOnlyDictionary<string, string> services)
    {
        var ingress = new ShippedIngress();
        ingress.nginx = await TlsNginx.StartAsync(ingress.Port, "*.video.example", ingress.Configuration(services));
        return ingress;
    }

    /// <summary>A client to which every host is behind this ingress, and its certificate good.</summary>
    public HttpClient Client() =>
        new(
            new SocketsHttpHandler
            {
                ConnectCallback = async (_, cancellation) =>
                {
                    var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
                    await socket.ConnectAsync(IPAddress.Loopback, Port, cancellation);
                    return new NetworkStream(socket, ownsSocket: true);
                },
                SslOptions = new() { RemoteCertificateValidationCallback = (_, given, _, _) => nginx.IsOwn(given) },
            }
        );

    public ValueTask DisposeAsync() => nginx.DisposeAsync();

    private string Configuration(IReadOnlyDictionary<string, string> services) =>
        $$"""
            daemon off;
            user root;
            worker_processes 1;
            pid nginx.pid;
            events { worker_connections 512; }
            http {
                {{TlsNginx.Http}}
                client_max_body_size 0;
                proxy_http_version 1.1;
                proxy_request_buffering off;
                proxy_set_header Host $http_host;
                proxy_set_header X-Real-IP $remote_addr;
                proxy_set_header X-Forwarded-For $remote_addr;
                proxy_set_header X-Forwarded-Host $http_host;
                proxy_set_header X-Forwarded-Port 443;
                proxy_set_header X-Forwarded-Proto $scheme;
                proxy_set_header X-Forwarded-Scheme $scheme;
                proxy_set_header X-Scheme $scheme;
                server { listen 127.0.0.1:{{Port}} ssl default_server; return 404; }
                {{string.Join('\n', Manifests.IngressRules().Select(rule => Server(rule, services)))}}
            }
            """;

    private string Server(IngressRule rule, IReadOnlyDictionary<string, string> services) =>
        $$"""
        server {
            listen 127.0.0.1:{{Port}} ssl;
            server_name {{rule.Host}};
            {{string.Join('\n', rule.Paths.Select(path => services.TryGetValue(path.Service, out var url)
                ? $"location {path.Path} {{ proxy_pass {url}; }}" : ""))}}
        }
        """;
}
