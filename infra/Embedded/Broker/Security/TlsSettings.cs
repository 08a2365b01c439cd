using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace EventStream.Embedded.Broker.Security;

/// <summary>What the listener needs for TLS, read once from PEM files.</summary>
internal static class TlsSettings
{
    /// <summary>Null where the listener does without TLS.</summary>
    /// <exception cref="BrokerException">A file cannot be read or does not hold what it should.</exception>
    public static SslServerAuthenticationOptions? Load(SecurityOptions options)
    {
        if (!options.UsesTls)
        {
            return null;
        }
        var settings = new SslServerAuthenticationOptions
        {
            EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
            ServerCertificateContext = Read(options.CertificateFile!, () => LoadCertificate(options)),
        };
        if (options.ClientAuthorityFile is { Length: > 0 } file)
        {
            settings.ClientCertificateRequired = true;
            settings.CertificateChainPolicy = Read(file, () => TrustOnly(LoadAll(file)));
        }
        return settings;
    }

    private static SslStreamCertificateContext LoadCertificate(SecurityOptions options)
    {
        var certificate = X509Certificate2.CreateFromPemFile(options.CertificateFile!, options.KeyFile);
        return SslStreamCertificateContext.Create(certificate, LoadAll(options.CertificateFile!), offline: true);
    }

    private static X509Certificate2Collection LoadAll(string file)
    {
        var certificates = new X509Certificate2Collection();
        certificates.ImportFromPemFile(file);
        return certificates.Count > 0 ? certificates : throw new CryptographicException("it holds no certificate.");
    }

    private static X509ChainPolicy TrustOnly(X509Certificate2Collection authorities)
    {
        var policy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
        };
        policy.CustomTrustStore.AddRange(authorities);
        return policy;
    }

    private static T Read<T>(string file, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception e) when (e is CryptographicException or IOException or UnauthorizedAccessException)
        {
            throw new BrokerException(
                file,
                $"The broker cannot use the certificate or key of {file}: {e.Message} Give PEM files, the key without "
                    + "a passphrase.",
                e
            );
        }
    }
}
