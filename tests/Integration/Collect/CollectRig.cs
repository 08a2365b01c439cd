using System.Globalization;
using System.Text;
using Confluent.Kafka;
using EventStream.Collect;
using EventStream.Contracts;
using EventStream.Hosting;
using EventStream.Integration.Tests.Messaging;
using EventStream.Messaging.Kafka;
using EventStream.Tests.Kit;
using EventStream.Tokens;
using Microsoft.AspNetCore.Builder;

namespace EventStream.Integration.Tests.Collect;

/// <summary>A record as the broker keeps it: its timestamp and its message.</summary>
internal sealed record Stored(DateTimeOffset Timestamp, IMessage Message);

/// <summary>The collector before a broker of its own.</summary>
internal sealed class CollectRig : IAsyncDisposable
{
    public const string SigningKey = "the signing key of the tests of Collect";

    private readonly WebApplication role;

    private CollectRig(TestBroker broker, WebApplication role) => (Broker, this.role) = (broker, role);

    public HttpClient Http { get; } = new();

    public string Url => role.Urls.First();

    public TestBroker Broker { get; }

    /// <summary>Settings of a collector that knows the keys and one edge; more of them win.</summary>
    public static Dictionary<string, string?> Settings(params (string Key, string? Value)[] more)
    {
        var settings = new Dictionary<string, string?>(TestKeys.Pairs) { ["Playback:SigningKey"] = SigningKey };
        foreach (var (key, value) in more)
            settings[key] = value;
        return settings;
    }

    public static async Task<CollectRig> StartAsync(params (string Key, string? Value)[] more)
    {
        var broker = await TestBroker.StartAsync();
        var settings = Settings(more);
        settings["Kafka:Bootstrap"] = broker.Bootstrap;
        settings["Listen:collect"] = $"http://127.0.0.1:{FreePort.Next()}";
        var app = RoleHost.Build(new CollectRole(), RoleHost.ReadConfiguration(null, settings));
        await app.StartAsync();
        var rig = new CollectRig(broker, app);
        await Eventually.HoldsAsync(
            async () => (await rig.Http.GetAsync($"{rig.Url}/health/ready")).IsSuccessStatusCode,
            "collect is ready"
        );
        return rig;
    }

    /// <summary>The path to which a session of these tests reports, as Playback makes it.</summary>
    public static string BeaconsPath(string session, string video, string region = "eu")
    {
        var expires = DateTimeOffset.FromUnixTimeSeconds(TimeProvider.System.GetUtcNow().ToUnixTimeSeconds() + 3600);
        var proof = new BeaconProof(SigningKey).Make(new BeaconClaims(session, video, expires, region, "hls.js"));
        return $"/v1/cmcd?video={video}&region={region}&player=hls.js&session={session}"
            + $"&expires={expires.ToUnixTimeSeconds()}&proof={proof}";
    }

    /// <summary>A report of a session.</summary>
    public static string Beacon(string session, int number, DateTimeOffset? at = null, string more = "") =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"e=t,sid=\"{session}\",sn={number},sta=p,ts={(at ?? Now).ToUnixTimeMilliseconds()},v=2{more}"
        );

    /// <summary>A line of an edge's log.</summary>
    public static string Line(string edge, string request, string? time = null) =>
        $$"""{"time":{{time ?? $"{Now.ToUnixTimeSeconds()}"}},"edge":"{{edge}}","region":"eu","method":"GET","uri":"/media/x/1.m4s","""
        + $$""" "args":"","status":200,"bytes":1,"duration":0.1,"req_id":"{{request}}"}""";

    public static DateTimeOffset Now => TimeProvider.System.GetUtcNow();

    public Task<HttpResponseMessage> ReportAsync(string path, params string[] lines) =>
        PostAsync(path, "application/cmcd", Encoding.UTF8.GetBytes(string.Join('\n', lines)));

    public Task<HttpResponseMessage> LogAsync(string body, string type = "application/x-ndjson") =>
        PostAsync("/v1/cdn-logs", type, Encoding.UTF8.GetBytes(body), key: TestKeys.EdgeA);

    public async Task<HttpResponseMessage> PostAsync(
        string path,
        string? type,
        byte[] body,
        string? encoding = null,
        string? key = null
    )
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, Url + path);
        request.Content = new ByteArrayContent(body);
        if (type is not null)
            request.Content.Headers.TryAddWithoutValidation("Content-Type", type);
        if (encoding is not null)
            request.Content.Headers.TryAddWithoutValidation("Content-Encoding", encoding);
        if (key is not null)
            request.Headers.Authorization = new("Bearer", key);
        return await Http.SendAsync(request);
    }

    /// <summary>Everything that a topic holds now.</summary>
    public List<Stored> Read(Topic topic)
    {
        var config = new KafkaOptions { Bootstrap = Broker.Bootstrap }.ConsumerConfig("look", $"{Guid.NewGuid()}");
        config.EnablePartitionEof = true;
        using var consumer = new ConsumerBuilder<byte[], byte[]>(config).SetLogHandler((_, _) => { }).Build();
        consumer.Assign(
            Enumerable
                .Range(0, topic.Partitions)
                .Select(partition => new TopicPartitionOffset(topic.Name, partition, Offset.Beginning))
        );
        var (found, open) = (new List<Stored>(), topic.Partitions);
        using var patience = new CancellationTokenSource(MessagingRig.Patience);
        while (open > 0)
        {
            var read = consumer.Consume(patience.Token);
            if (read.IsPartitionEOF)
                open--;
            else
            {
                found.Add(
                    new Stored(
                        new DateTimeOffset(read.Message.Timestamp.UtcDateTime),
                        MessageTypes.Read(read.Message.Headers.GetLastBytes(CloudEvents.Type), read.Message.Value)
                    )
                );
            }
        }

        return found;
    }

    public List<BeaconReceived> Beacons() =>
        [.. Read(Topics.PlaybackBeacons).Select(stored => (BeaconReceived)stored.Message)];

    public List<CdnRequestServed> Requests() =>
        [.. Read(Topics.CdnRequests).Select(stored => (CdnRequestServed)stored.Message)];

    public List<RecordDeadLettered> Letters() =>
        [.. Read(Topics.DeadLetters).Select(stored => (RecordDeadLettered)stored.Message)];

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await role.StopAsync();
        await role.DisposeAsync();
        await Broker.DisposeAsync();
    }
}
