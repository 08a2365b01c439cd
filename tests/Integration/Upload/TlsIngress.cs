using EventStream.Tests.Kit;

namespace EventStream.Integration.Tests.Upload;

/// <summary>
/// An nginx that ends TLS before a role, with the headers and settings that the Kubernetes ingress of
/// <c>infra/deploy</c> gives it, and a certificate of its own for <c>localhost</c>.
/// </summary>
internal sealed class TlsIngress : IAsyncDisposable
{
    private readonly int port = FreePort.Next();
    private TlsNginx nginx = null!;

    private TlsIngress() { }

    public string Url => $"https://localhost:{port}";

    /// <summary>The certificate, for a client that shall trust it.</summary>
    public string CertificateFile => nginx.CertificateFile;

    public static async Task<TlsIngress> StartAsync(string upstream)
    {
        var ingress = new TlsIngress();
        ingress.nginx = await TlsNginx.StartAsync(ingress.port, "localhost", ingress.Configuration(upstream));
        return ingress;
    }

    public ValueTask DisposeAsync() => nginx.DisposeAsync();

    private string Configuration(string upstream) =>
        $$"""
            daemon off;
            worker_processes 1;
            pid nginx.pid;
            events { worker_connections 256; }
            http {
                {{TlsNginx.Http}}
                server {
                    listen 127.0.0.1:{{port}} ssl;
                    client_max_body_size 0;
                    location / {
                        proxy_pass {{upstream}};
                        proxy_http_version 1.1;
                        proxy_request_buffering off;
                        proxy_buffering off;
                        proxy_set_header Host $http_host;
                        proxy_set_header X-Real-IP $remote_addr;
                        proxy_set_header X-Forwarded-For $remote_addr;
                        proxy_set_header X-Forwarded-Host $http_host;
                        proxy_set_header X-Forwarded-Port $server_port;
                        proxy_set_header X-Forwarded-Proto $scheme;
                        proxy_set_header X-Forwarded-Scheme $scheme;
                        proxy_set_header X-Scheme $scheme;
                    }
                }
            }
            """;
}
