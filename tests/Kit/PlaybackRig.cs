using System.Net.Http.Json;
using System.Text.Json;
using EventStream.Contracts;
using EventStream.Edge;
using EventStream.Hosting;
using EventStream.Messaging.Kafka;
using EventStream.Playback;
using EventStream.Playback.Catalogue;
using EventStream.Traffic;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace EventStream.Tests.Kit;

/// <summary>
/// Playback, Traffic and two nginx edges with real media; events are given to the catalogue directly.
/// </summary>
internal sealed class PlaybackRig : IAsyncDisposable
{
    private readonly List<WebApplication> apps = [];

    private PlaybackRig(string folder) => Folder = folder;

    public string Folder { get; }

    public HttpClient Http { get; } = new();

    public IConfiguration Configuration { get; private set; } = null!;

    public IReadOnlyList<EdgeProcess> Edges { get; private set; } = [];

    public string PlaybackUrl => Configuration["Urls:playback"]!;

    public string TrafficUrl => Configuration["Urls:traffic"]!;

    public VideoCatalogue Catalogue => apps[0].Services.GetRequiredService<VideoCatalogue>();

    public static async Task<PlaybackRig> StartAsync(
        string mediaRoot,
        bool withTraffic = true,
        params (string Key, string Value)[] more
    )
    {
        var rig = new PlaybackRig(Directory.CreateTempSubdirectory("eventstream-play-").FullName);
        var (playback, traffic) = (FreePort.Next(), FreePort.Next());
        var names = (string[])["edge-a", "edge-b"];
        var options = names
            .Select(
                (name, i) =>
                    new EdgeOptions
                    {
                        Name = name,
                        Region = i == 0 ? "eu" : "us",
                        Port = FreePort.Next(),
                        Folder = Path.Combine(rig.Folder, name),
                        OriginUrl = $"http://127.0.0.1:{playback}",
                        SigningKey = EdgeRig.SigningKey,
                    }
            )
            .ToList();
        rig.Configuration = RoleHost.ReadConfiguration(
            null,
            Settings(mediaRoot, playback, traffic, options)
                .Concat(more.Select(entry => KeyValuePair.Create<string, string?>(entry.Key, entry.Value)))
        );
        // Edges first, so that the first probe, which decides alone, finds them.
        rig.Edges = await Task.WhenAll(
            options.Select(edge => EdgeProcess.StartAsync(edge, rig.Configuration, CancellationToken.None))
        );
        await rig.StartRoleAsync(new PlaybackRole());
        if (withTraffic)
            await rig.StartTrafficAsync();
        return rig;
    }

    public void Tell(IEnumerable<IMessage> events)
    {
        foreach (var message in events)
            Catalogue.Apply(message);
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        foreach (var edge in Edges)
            await edge.DisposeAsync();
        foreach (var app in apps)
            await app.DisposeAsync();
        Directory.Delete(Folder, recursive: true);
    }

    private static IEnumerable<KeyValuePair<string, string?>> Settings(
        string mediaRoot,
        int playback,
        int traffic,
        IReadOnlyList<EdgeOptions> edges
    )
    {
        yield return new("Listen:playback", $"http://127.0.0.1:{playback}");
        yield return new("Urls:playback", $"http://127.0.0.1:{playback}");
        yield return new("Listen:traffic", $"http://127.0.0.1:{traffic}");
        yield return new("Urls:traffic", $"http://127.0.0.1:{traffic}");
        yield return new("Urls:collect", "http://collect.example");
        foreach (var pair in TestKeys.Pairs)
            yield return pair;
        yield return new("Playback:SigningKey", EdgeRig.SigningKey);
        yield return new("Media:Root", mediaRoot);
        yield return new("Traffic:SteeringTtlSeconds", "1");
        yield return new("Traffic:ProbeIntervalMs", "200");
        yield return new("Traffic:ProbeTimeoutMs", "3000");
        yield return new("Traffic:HoldSeconds", "1");
        yield return new("Traffic:DnsPort", "0");
        for (var i = 0; i < edges.Count; i++)
        {
            yield return new($"Traffic:Edges:{i}:Name", edges[i].Name);
            yield return new($"Traffic:Edges:{i}:Region", edges[i].Region);
            yield return new($"Traffic:Edges:{i}:Url", $"http://127.0.0.1:{edges[i].Port}");
        }
    }

    private async Task StartTrafficAsync()
    {
        await StartRoleAsync(new TrafficRole());
        using var analyst = TestKeys.Client(TestKeys.Analyst);
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (true)
        {
            var map = await analyst.GetFromJsonAsync<JsonElement>($"{TrafficUrl}/v1/edges?region=us", timeout.Token);
            if (map.GetProperty("order")[0].GetString() == "edge-b")
                return;
            await Task.Delay(20, timeout.Token);
        }
    }

    private async Task StartRoleAsync(IRole role)
    {
        var app = RoleHost.Build(new WithoutKafka(role), Configuration);
        apps.Add(app);
        await app.StartAsync();
    }

    /// <summary>A role whose consumers, topics and publications stay away from Kafka; all else is as it is.</summary>
    private sealed class WithoutKafka(IRole role) : IRole
    {
        public string Name => role.Name;

        public string Summary => role.Summary;

        public void Configure(WebApplicationBuilder builder)
        {
            var before = builder.Services.ToList();
            role.Configure(builder);
            var messaging = builder
                .Services.Except(before)
                .Where(service => service.ServiceType == typeof(IHostedService) && IsKafkas(service))
                .ToList();
            foreach (var service in messaging)
                builder.Services.Remove(service);
            builder.Services.AddSingleton<IEventPublisher, Remembered>();
        }

        public void Use(WebApplication app) => role.Use(app);

        public void Map(WebApplication app) => role.Map(app);

        // Those of Messaging are registered by factories that live in its assembly.
        private static bool IsKafkas(ServiceDescriptor service) =>
            service.ImplementationFactory?.Method.DeclaringType?.Assembly == typeof(EventConsumer).Assembly;
    }

    /// <summary>Keeps what is published.</summary>
    internal sealed class Remembered : IEventPublisher
    {
        public List<IMessage> Messages { get; } = [];

        public Task PublishAsync(
            Topic topic,
            string key,
            IMessage message,
            DateTimeOffset time,
            CancellationToken cancellation,
            PublishOptions? options = null
        )
        {
            lock (Messages)
                Messages.Add(message);
            return Task.CompletedTask;
        }
    }
}
