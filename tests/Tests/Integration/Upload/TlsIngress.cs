using System.Diagnostics;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using EventStream.Tests.Kit;

namespace EventStream.Tests.Integration.Upload;

/// <summary>
/// An nginx that ends TLS before a role, with the headers and settings that the Kubernetes ingress of
/// <c>infra/deploy</c> gives it, and a certificate of its own for <c>localhost</c>.
/// </summary>
internal sealed class TlsIngress : IAsyncDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("eventstream-ingress-");
    private readonly int port = PostgresFixture.FreePort();
    private Process? nginx;

    private TlsIngress()
    {
    }

    public string Url => $"https://localhost:{port}";

    /// <summary>The certificate, for a client that shall trust it.</summary>
    public string CertificateFile => Path.Combine(folder.FullName, "certificate.pem");

    public static async Task<TlsIngress> StartAsync(string upstream)
    {
        var ingress = new TlsIngress();
        ingress.WriteCertificate();
        await File.WriteAllTextAsync(
            Path.Combine(ingress.folder.FullName, "nginx.conf"), ingress.Configuration(upstream));
        ingress.nginx = Process.Start(new ProcessStartInfo("nginx")
        {
            ArgumentList = { "-p", ingress.folder.FullName, "-c", "nginx.conf", "-e", "error.log" },
        })!;
        EventStreamProcess.EndWithThisProcess(ingress.nginx.Id);
        await ingress.UntilListeningAsync();
        return ingress;
    }

    public async ValueTask DisposeAsync()
    {
        if (nginx is not null)
        {
            using var stop = Process.Start("kill", ["-TERM", $"{nginx.Id}"]);
            await nginx.WaitForExitAsync();
            nginx.Dispose();
        }

        folder.Delete(recursive: true);
    }

    private void WriteCertificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        var now = TimeProvider.System.GetUtcNow();
        using var certificate = request.CreateSelfSigned(now.AddHours(-1), now.AddDays(1));
        File.WriteAllText(CertificateFile, certificate.ExportCertificatePem());
        File.WriteAllText(Path.Combine(folder.FullName, "key.pem"), key.ExportPkcs8PrivateKeyPem());
    }

    private string Configuration(string upstream) =>
        $$"""
        daemon off;
        worker_processes 1;
        pid nginx.pid;
        events { worker_connections 256; }
        http {
            access_log off;
            client_body_temp_path body;
            proxy_temp_path proxy;
            fastcgi_temp_path fastcgi;
            uwsgi_temp_path uwsgi;
            scgi_temp_path scgi;
            server {
                listen 127.0.0.1:{{port}} ssl;
                ssl_certificate certificate.pem;
                ssl_certificate_key key.pem;
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

    private async Task UntilListeningAsync()
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (true)
        {
            try
            {
                using var client = new System.Net.Sockets.TcpClient();
                await client.ConnectAsync(IPAddress.Loopback, port, patience.Token);
                return;
            }
            catch (System.Net.Sockets.SocketException) when (!nginx!.HasExited)
            {
                await Task.Delay(50, patience.Token);
            }
        }
    }
}
