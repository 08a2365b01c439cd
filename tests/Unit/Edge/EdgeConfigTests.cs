using EventStream.Edge;
using EventStream.Hosting;

namespace EventStream.Unit.Tests.Edge;

public sealed class EdgeConfigTests : IDisposable
{
    private const string Key = "a signing key that must not be seen anywhere";
    private readonly string folder = Directory.CreateTempSubdirectory("eventstream-conf-").FullName;

    private EdgeOptions Options =>
        new()
        {
            Name = "edge-a",
            Region = "eu",
            Port = 7080,
            Folder = folder,
            OriginUrl = "http://127.0.0.1:7002",
            SigningKey = Key,
        };

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void Every_placeholder_is_filled() =>
        Assert.DoesNotContain("{{", File.ReadAllText(EdgeConfig.Write(Options)));

    [Fact]
    public void The_secret_is_in_a_file_of_its_owner_only_and_the_key_in_none()
    {
        EdgeConfig.Write(Options);
        EdgeConfig.Write(Options);

        var secret = new FileInfo(Path.Combine(folder, "token.conf"));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, secret.UnixFileMode);
        Assert.All(Directory.GetFiles(folder), file => Assert.DoesNotContain(Key, File.ReadAllText(file)));
    }

    [Fact]
    public void An_origin_without_a_port_gets_that_of_its_scheme() =>
        Assert.Contains(
            "server origin.example:443;",
            EdgeConfig.Render(Options with { OriginUrl = "https://origin.example" })
        );

    [Fact]
    public void All_errors_are_named_at_once()
    {
        var error = Assert.Throws<RoleConfigurationException>(() =>
            EdgeConfig.Write(
                Options with
                {
                    Name = "Edge A\"; evil",
                    Region = "e u",
                    Port = 0,
                    BindAddress = "everywhere",
                    Folder = "/tmp/\"x",
                    OriginUrl = "ftp://x/y",
                    SigningKey = "short",
                    CacheBytesMax = 1,
                    ConnectionsMax = 1,
                    AllowedOrigin = "\"",
                    User = "root; x",
                }
            )
        );

        string[] names =
        [
            "Name",
            "Region",
            "Port",
            "BindAddress",
            "Folder",
            "OriginUrl",
            "SigningKey",
            "CacheBytesMax",
            "ConnectionsMax",
            "AllowedOrigin",
            "User",
        ];
        Assert.All(names, name => Assert.Contains($"{name}:", error.Message));
        Assert.DoesNotContain("'short'", error.Message);
    }
}
