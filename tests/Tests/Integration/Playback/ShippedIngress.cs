using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using EventStream.Tests.Deploy;
using EventStream.Tests.Integration.Edge;
using EventStream.Tests.Kit;

namespace EventStream.Tests.Integration.Playback;

/// <summary>
/// An nginx that ends TLS with the hosts and paths of the shipped ingress (<c>infra/deploy/kubernetes</c>) and the
/// headers that ingress-nginx sets, before roles of this machine. All hosts share one port.
/// </summary>
internal sealed class ShippedIngress : IAsyncDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("eventstream-ingress-");
    private byte[] certificate = [];
    private Process? nginx;

    private ShippedIngress()
    {
    }

    /// <summary>Where it listens on loopback, in place of 443.</summary>
    public int Port { get; } = EdgeRig.FreePort();

    /// <summary>Starts it before the roles that answer at <paramref name="services"/>, by name.</summary>
    public static async Task<ShippedIngress> StartAsync(IReadOnlyDictionary<string, string> services)
    {
        var ingress = new ShippedIngress();
        ingress.WriteCertificate();
        var conf = Path.Combine(ingress.folder.FullName, "nginx.conf");
        await File.WriteAllTextAsync(conf, ingress.Configuration(services));
        ingress.nginx = Process.Start(new ProcessStartInfo("/usr/sbin/nginx")
        {
            ArgumentList = { "-p", ingress.folder.FullName, "-c", conf, "-e", "error.log" },
        })!;
        EventStreamProcess.EndWithThisProcess(ingress.nginx.Id);
        await Wait.UntilAsync("the ingress listens", ingress.ListensAsync);
        return ingress;
    }

    /// <summary>A client to which every host is behind this ingress, and its certificate good.</summary>
    public HttpClient Client() => new(new SocketsHttpHandler
    {
        ConnectCallback = async (_, cancellation) =>
        {
            var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
            await socket.ConnectAsync(IPAddress.Loopback, Port, cancellation);
            return new NetworkStream(socket, ownsSocket: true);
        },
        SslOptions = new() { RemoteCertificateValidationCallback = (_, given, _, _) => IsOwn(given) },
    });

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

    private bool IsOwn(X509Certificate? given) =>
        given is not null && given.GetRawCertData().AsSpan().SequenceEqual(certificate);

    private async Task<bool> ListensAsync()
    {
        Assert.False(nginx!.HasExited, "nginx refuses its configuration");
        try
        {
            using var client = new TcpClient();
            await client.ConnectAsync(IPAddress.Loopback, Port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private void WriteCertificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=*.video.example", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("*.video.example");
        request.CertificateExtensions.Add(names.Build());
        var now = TimeProvider.System.GetUtcNow();
        using var made = request.CreateSelfSigned(now.AddHours(-1), now.AddDays(1));
        certificate = made.RawData;
        File.WriteAllText(Path.Combine(folder.FullName, "tls.crt"), made.ExportCertificatePem());
        File.WriteAllText(Path.Combine(folder.FullName, "tls.key"), key.ExportPkcs8PrivateKeyPem());
    }

    private string Configuration(IReadOnlyDictionary<string, string> services) =>
        $$"""
        daemon off;
        user root;
        worker_processes 1;
        pid nginx.pid;
        events { worker_connections 512; }
        http {
            access_log off;
            client_body_temp_path body;
            proxy_temp_path proxy;
            fastcgi_temp_path fastcgi;
            uwsgi_temp_path uwsgi;
            scgi_temp_path scgi;
            ssl_certificate tls.crt;
            ssl_certificate_key tls.key;
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
