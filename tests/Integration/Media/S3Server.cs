using System.Diagnostics;
using EventStream.Hosting;
using EventStream.Media.S3;
using EventStream.Processes;
using EventStream.Tests.Kit;

namespace EventStream.Integration.Tests.Media;

/// <summary>
/// s3rver, an S3-speaking server, in a folder of its own. It stores what it is sent, byte by byte, so a client that
/// frames bodies is found out. It checks no signature and no condition of a write: no test of access or of concurrent
/// writers may rest on it, and it cannot give up parts.
/// </summary>
public sealed class S3Server : IAsyncLifetime, IAsyncDisposable
{
    /// <summary>The bucket that it starts with.</summary>
    public const string Bucket = "media";

    /// <summary>The one key that it knows, and its secret.</summary>
    public const string Key = "S3RVER";

    // It ends with its parent, which keeps the other end of its standard input open.
    private const string Program = """
        const [, module, folder, port] = process.argv;
        process.stdin.on('end', () => process.exit()).resume();
        new (require(module))({
          address: '127.0.0.1', port: Number(port), directory: folder, silent: true, vhostBuckets: false,
          configureBuckets: [{ name: 'media', configs: [] }],
        }).run().then(() => console.log('ready'));
        """;

    private readonly string folder = Directory.CreateTempSubdirectory("eventstream-s3-").FullName;
    private Process? process;

    public int Port { get; } = FreePort.Next();

    public string Url => $"http://127.0.0.1:{Port}";

    /// <summary>The settings of a role that keeps its media here.</summary>
    public IReadOnlyList<(string Key, string Value)> Settings =>
        [
            ("Media:Root", ""),
            ("Media:S3:Endpoint", Url),
            ("Media:S3:Bucket", Bucket),
            ("Media:S3:AccessKey", Key),
            ("Media:S3:SecretKey", Key),
            ("Media:S3:LocalFolder", LocalFolder),
        ];

    public string LocalFolder => Path.Combine(folder, "local");

    public S3Options Options =>
        new()
        {
            Endpoint = new Uri(Url),
            Bucket = Bucket,
            AccessKey = Key,
            SecretKey = Key,
            LocalFolder = LocalFolder,
        };

    public static async Task<S3Server> StartAsync()
    {
        var server = new S3Server();
        await server.InitializeAsync();
        return server;
    }

    public async Task InitializeAsync()
    {
        var configuration = RoleHost.ReadConfiguration();
        var module = Path.GetDirectoryName(Tools.Npm(configuration, "s3rver/package.json"))!;
        var start = new ProcessStartInfo(Tools.Program(configuration, "node", "nodejs"))
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            ArgumentList = { "-e", Program, module, Path.Combine(folder, "buckets"), $"{Port}" },
        };
        process = Process.Start(start)!;
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (await process.StandardOutput.ReadLineAsync(timeout.Token) is { } line)
        {
            if (line == "ready")
                return;
        }

        Assert.Fail("s3rver ended before it was ready.");
    }

    Task IAsyncLifetime.DisposeAsync() => DisposeAsync().AsTask();

    public async ValueTask DisposeAsync()
    {
        if (process is not null)
        {
            process.Kill();
            await process.WaitForExitAsync();
            process.Dispose();
        }

        Directory.Delete(folder, recursive: true);
    }
}
