using EventStream.Contracts;
using EventStream.EventStore.Postgres;
using EventStream.EventStore.Relay;
using EventStream.Processes.Postgres;
using EventStream.Tests.Kit;
using EventStream.Upload;

namespace EventStream.Integration.Tests.EventStore;

/// <summary>
/// Two upload roles in processes of their own, each an appender, a daemon and a relay, and their PostgreSQL are killed
/// with SIGKILL again and again while a client registers videos: what was answered is stored, listed, and on the topic
/// once.
/// </summary>
[Trait("Category", "Fault")]
public sealed class KilledRolesTests : IAsyncLifetime
{
    private readonly string folder = Directory.CreateTempSubdirectory("eventstream-killed-roles-").FullName;
    private readonly string postgres = Directory.CreateTempSubdirectory("eventstream-killed-pg-").FullName;
    private readonly int port = FreePort.Next();
    private readonly HttpClient http = new() { Timeout = TimeSpan.FromSeconds(10) };
    private readonly EventStreamProcess?[] roles = new EventStreamProcess?[2];
    private PostgresCluster cluster = null!;
    private TestBroker broker = null!;
    private PostgresOptions options = null!;

    public async Task InitializeAsync()
    {
        cluster = await PostgresCluster.StartAsync(postgres, port, CancellationToken.None);
        broker = await TestBroker.StartAsync();
        options = (await PostgresFixture.OptionsAsync("killed")) with { ConnectionString = cluster.ConnectionString };
    }

    public async Task DisposeAsync()
    {
        foreach (var role in roles)
            if (role is not null)
                await role.DisposeAsync();
        await broker.DisposeAsync();
        cluster.Kill();
        http.Dispose();
        Directory.Delete(folder, recursive: true);
        Directory.Delete(postgres, recursive: true);
    }

    [Fact]
    public async Task What_a_killed_role_answered_is_stored_listed_and_relayed_once()
    {
        var run = FaultRun.Of(TimeSpan.FromSeconds(8));
        var random = new Random(run.Seed);
        for (var i = 0; i < roles.Length; i++)
            roles[i] = Launch();
        await Task.WhenAll(roles.Select(role => role!.UntilReadyAsync()));
        using var stop = new CancellationTokenSource(run.Duration);
        var registering = RegisterAsync(stop.Token);
        for (var turn = 1; !stop.IsCancellationRequested; turn++)
        {
            await Task.Delay(random.Next(500, 3000), CancellationToken.None);
            if (turn % 3 == 0)
                cluster = await PostgresKill.KillAndStartAsync(postgres, port);
            else
                await KillRoleAsync(random);
        }

        var registered = await registering;
        foreach (var role in roles)
            await role!.UntilReadyAsync();
        await using var store = await TestStore.OpenAsync(
            options.ForService("upload"),
            UploadStore.Service,
            broker.Bootstrap
        );
        await store.WaitAsync("video-list");
        await store.WaitAsync(KafkaRelay.ReaderName);
        var listed = (await store.RowsAsync("select id from mt_doc_video_list")).ToHashSet(StringComparer.Ordinal);
        Assert.True(registered.Count > 0, run.Name);
        Assert.True(registered.All(listed.Contains), $"{run.Name}: an answered video is not listed.");
        Assert.Equal(
            listed.Order(StringComparer.Ordinal),
            (await RelayCheck.StoredAsync(store))
                .Select(row => row.Split('|')[1])
                .Distinct()
                .Order(StringComparer.Ordinal)
        );
        await RelayCheck.EverythingOnceAsync(store, broker.Bootstrap, Topics.VideoEvents.Name);
    }

    /// <summary>One role is replaced, and its replacement not always waited for.</summary>
    private async Task KillRoleAsync(Random random)
    {
        var which = random.Next(roles.Length);
        await roles[which]!.KillAsync();
        var next = Launch();
        roles[which] = next;
        if (random.Next(2) == 0)
            await next.UntilReadyAsync();
    }

    private EventStreamProcess Launch() =>
        EventStreamProcess.Launch(
            "upload",
            ("Kafka:Bootstrap", broker.Bootstrap),
            ("Postgres:ConnectionString", options.ConnectionString),
            ("Postgres:MasterKeyFile", PostgresFixture.MasterKeyFile.Value),
            ("Media:Root", Path.Combine(folder, "media")),
            ("Urls:console", "http://127.0.0.1:7000")
        );

    /// <summary>Registers videos with whichever role answers; returns the ids of those that were answered.</summary>
    private async Task<List<string>> RegisterAsync(CancellationToken stop)
    {
        var registered = new List<string>();
        for (var turn = 0; !stop.IsCancellationRequested; turn++)
        {
            try
            {
                using var request = new HttpRequestMessage(
                    HttpMethod.Post,
                    $"{roles[turn % roles.Length]!.Url}/v1/uploads"
                );
                request.Headers.TryAddWithoutValidation("Tus-Resumable", "1.0.0");
                request.Headers.TryAddWithoutValidation("Upload-Length", "5");
                request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {TestKeys.Publisher}");
                using var answer = await http.SendAsync(request, CancellationToken.None);
                if (answer.IsSuccessStatusCode)
                    registered.Add(answer.Headers.GetValues("X-Video-Id").Single());
            }
            catch (Exception e) when (e is HttpRequestException or TaskCanceledException)
            {
                // The role is dead or not there yet: whether it stored the video is not known, and not asked.
            }

            await Task.Delay(5, CancellationToken.None);
        }

        return registered;
    }
}
