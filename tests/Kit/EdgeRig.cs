using System.Globalization;
using System.Net.Sockets;
using System.Text;
using EventStream.Edge;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;

namespace EventStream.Tests.Kit;

/// <summary>A folder of its own, an origin that counts what it is asked, and edges in front of it.</summary>
internal sealed class EdgeRig : IAsyncDisposable
{
    public const string SigningKey = "0123456789abcdef0123456789abcdef-test";
    public static readonly IConfiguration Configuration = new ConfigurationBuilder().Build();
    private readonly List<EdgeProcess> edges = [];
    private readonly WebApplication origin;
    private int requests;

    private EdgeRig(WebApplication origin) => this.origin = origin;

    public string Folder { get; } = Directory.CreateTempSubdirectory("eventstream-edge-").FullName;

    public HttpClient Http { get; } = new();

    public int OriginRequests => Volatile.Read(ref requests);

    public IReadOnlyDictionary<string, string> LastHeaders { get; private set; } = new Dictionary<string, string>();

    public string OriginUrl => origin.Urls.Single();

    public static async Task<EdgeRig> StartAsync(RequestDelegate? answer = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        var rig = new EdgeRig(app);
        app.Run(async context =>
        {
            Interlocked.Increment(ref rig.requests);
            rig.LastHeaders = context.Request.Headers.ToDictionary(h => h.Key, h => h.Value.ToString());
            if (answer is not null)
                await answer(context);
            else
                await EchoAsync(context);
        });
        await app.StartAsync();
        return rig;
    }

    private static Task EchoAsync(HttpContext context)
    {
        var text = $"{context.Request.Path}{context.Request.QueryString}";
        context.Response.ContentLength = text.Length;
        context.Response.Headers.AcceptRanges = "bytes";
        return context.Response.WriteAsync(text);
    }

    /// <summary>
    /// Sends a request line and headers as they are, since no HTTP client sends malformed ones; returns the status.
    /// </summary>
    public static async Task<int> SendRawAsync(EdgeProcess edge, string request)
    {
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        using var client = new TcpClient();
        await client.ConnectAsync("127.0.0.1", edge.Options.Port, timeout.Token);
        await using var stream = client.GetStream();
        var text = $"{request}\r\nHost: edge\r\nConnection: close\r\n\r\n";
        await stream.WriteAsync(Encoding.ASCII.GetBytes(text), timeout.Token);
        using var reader = new StreamReader(stream, Encoding.ASCII);
        var line = await reader.ReadLineAsync(timeout.Token);
        return int.Parse(line!.Split(' ')[1], CultureInfo.InvariantCulture);
    }

    public EdgeOptions Options(string name = "edge-a") =>
        new()
        {
            Name = name,
            Region = "eu",
            Port = FreePort.Next(),
            Folder = Path.Combine(Folder, name),
            OriginUrl = OriginUrl,
            SigningKey = SigningKey,
        };

    public async Task<EdgeProcess> EdgeAsync(EdgeOptions? options = null)
    {
        var edge = await EdgeProcess.StartAsync(options ?? Options(), Configuration, CancellationToken.None);
        edges.Add(edge);
        return edge;
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        foreach (var edge in edges)
            await edge.DisposeAsync();
        await origin.DisposeAsync();
        Directory.Delete(Folder, recursive: true);
    }
}
