using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace EventStream.Embedded.Tests.Integration.Broker;

/// <summary>An authority with a broker's certificate and a client's, as PEM files in a folder of their own.</summary>
public sealed class Certificates : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("eventstream-tls-").FullName;
    private readonly DateTimeOffset _from = TimeProvider.System.GetUtcNow().AddDays(-1);

    public Certificates()
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest("CN=tests", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(
            new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, true)
        );
        using var authority = request.CreateSelfSigned(_from, _from.AddDays(30));
        File.WriteAllText(Authority, authority.ExportCertificatePem());
        Issue(authority, "broker", serial: 2);
        Issue(authority, "client", serial: 3);
    }

    public string Authority => Path.Combine(_folder, "authority.pem");

    public string CertificateOf(string name) => Path.Combine(_folder, name + ".pem");

    public string KeyOf(string name) => Path.Combine(_folder, name + ".key");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private void Issue(X509Certificate2 authority, string name, byte serial)
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest("CN=" + name, key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        using var certificate = request.Create(authority, _from, _from.AddDays(20), [serial]);
        File.WriteAllText(CertificateOf(name), certificate.ExportCertificatePem());
        File.WriteAllText(KeyOf(name), key.ExportPkcs8PrivateKeyPem());
    }
}
