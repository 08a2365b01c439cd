using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace EventStream.Tests.Kit;

/// <summary>
/// An nginx of a test that ends TLS, in a folder of its own, with a certificate that it signed itself. It ends with the
/// test, and with the test process where that is killed.
/// </summary>
internal sealed class TlsNginx : IAsyncDisposable
{
    /// <summary>What stands first inside of <c>http</c>: paths below the folder, and the certificate.</summary>
    public const string Http = """
        access_log off;
        client_body_temp_path body;
        proxy_temp_path proxy;
        fastcgi_temp_path fastcgi;
        uwsgi_temp_path uwsgi;
        scgi_temp_path scgi;
        ssl_certificate certificate.pem;
        ssl_certificate_key key.pem;
        """;

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("eventstream-ingress-");
    private readonly int port;
    private byte[] certificate = [];
    private Process? nginx;

    private TlsNginx(int port) => this.port = port;

    /// <summary>The certificate, for a client that shall trust it.</summary>
    public string CertificateFile => Path.Combine(folder.FullName, "certificate.pem");

    /// <summary>Starts nginx and returns once it listens on <paramref name="port"/> of loopback.</summary>
    public static async Task<TlsNginx> StartAsync(int port, string name, string configuration)
    {
        var started = new TlsNginx(port);
        started.WriteCertificate(name);
        var file = Path.Combine(started.folder.FullName, "nginx.conf");
        await File.WriteAllTextAsync(file, configuration);
        started.nginx = Process.Start(
            new ProcessStartInfo("/usr/sbin/nginx")
            {
                ArgumentList = { "-p", started.folder.FullName, "-c", file, "-e", "error.log" },
            }
        )!;
        EventStreamProcess.EndWithThisProcess(started.nginx.Id);
        await Wait.UntilAsync("the ingress listens", started.ListensAsync);
        return started;
    }

    /// <summary>Whether a certificate is the one that this nginx shows.</summary>
    public bool IsOwn(X509Certificate? given) =>
        given is not null && given.GetRawCertData().AsSpan().SequenceEqual(certificate);

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

    private async Task<bool> ListensAsync()
    {
        Assert.False(nginx!.HasExited, "nginx refuses its configuration");
        try
        {
            using var client = new TcpClient();
            await client.ConnectAsync(IPAddress.Loopback, port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private void WriteCertificate(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(name);
        request.CertificateExtensions.Add(names.Build());
        // A client that trusts the file takes it as an authority.
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        var now = TimeProvider.System.GetUtcNow();
        using var made = request.CreateSelfSigned(now.AddHours(-1), now.AddDays(1));
        certificate = made.RawData;
        File.WriteAllText(CertificateFile, made.ExportCertificatePem());
        File.WriteAllText(Path.Combine(folder.FullName, "key.pem"), key.ExportPkcs8PrivateKeyPem());
    }
}
