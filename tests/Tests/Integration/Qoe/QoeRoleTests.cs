using System.Net;
using System.Text;
using Confluent.Kafka;
using EventStream.Contracts;
using EventStream.Hosting;
using EventStream.Messaging.Kafka;
using EventStream.Qoe;
using EventStream.Tests.Integration.Streams;
using EventStream.Tests.Kit;
using EventStream.Tests.Qoe;
using Microsoft.AspNetCore.Builder;

namespace EventStream.Tests.Integration.Qoe;

/// <summary>The role as it runs: captured reports of real players in, sessions, windows and load out.</summary>
[Trait("Category", "Integration")]
public sealed class QoeRoleTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Captured_viewers_become_the_sessions_that_the_test_driver_computes()
    {
        await using var broker = await StreamsBroker.StartAsync();
        await broker.Admin.EnsureAsync(Topics.All, CancellationToken.None);
        var run = Guid.NewGuid().ToString("N")[..8];
        var captures = new[] { "hls-downswitch", "dash-plain", "hls-fatalStart" }
            .Select(name => Renamed(Capture.Load(name), run))
            .ToList();
        await using var app = Role(broker);
        await app.StartAsync();
        using var http = TestKeys.Client(TestKeys.Analyst, app.Urls.First());
        await UntilAsync(async () => (await http.GetAsync("/health/ready")).IsSuccessStatusCode);

        broker.Write(Topics.PlaybackBeacons.Name, captures.SelectMany(capture => capture.Beacons).Select(Record));
        // The viewer who came last: the state of the others may have been dropped by then.
        var session = $"/v1/sessions/{captures.MaxBy(capture => capture.Page.EndedAt)!.Beacons[0].SessionId}";
        await UntilAsync(async () => (await http.GetAsync(session)).IsSuccessStatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await http.GetAsync("/v1/sessions/nobody")).StatusCode);

        var finished = broker.ReadUntil(Topics.QoeSessions, read => Finished(read, run).Count == captures.Count);
        foreach (var capture in captures)
        {
            var actual = Finished(finished, run).Single(f => f.SessionId == capture.Beacons[0].SessionId);
            Assert.Equal(QoeRun.Json(Expected(capture)), QoeRun.Json(actual));
        }

        Assert.NotEmpty(broker.ReadUntil(Topics.QoeWindows, read => read.Count > 0));
        Assert.NotEmpty(broker.ReadUntil(Topics.TrafficLoad, read => read.Count > 3));
        await app.StopAsync();
    }

    private static WebApplication Role(StreamsBroker broker) =>
        RoleHost.Build(
            new QoeRole(),
            RoleHost.ReadConfiguration(
                overrides: new Dictionary<string, string?>(HurriedQoe.Settings("test").Concat(TestKeys.Pairs))
                {
                    ["Kafka:Bootstrap"] = broker.Kafka.Bootstrap,
                    ["Listen:qoe"] = "http://127.0.0.1:0",
                }
            )
        );

    private static SessionFinished Expected(Capture capture)
    {
        var run = new QoeRun(new QoeOptions { SessionTimeoutSeconds = 4 });
        run.Hear(capture.Beacons);
        run.Finish(capture.Beacons.Max(beacon => beacon.ReceivedAt));
        return run.Sessions().OfType<SessionFinished>().Last();
    }

    /// <summary>Gives the session an id of this run, because a shared broker keeps those of runs before.</summary>
    private static Capture Renamed(Capture capture, string run) =>
        capture with
        {
            Beacons = capture
                .Beacons.Select(beacon => beacon with { SessionId = $"{beacon.SessionId}-{run}" })
                .ToList(),
        };

    private static List<SessionFinished> Finished(List<ConsumeResult<byte[], byte[]>> read, string run) =>
        read.Select(record =>
                MessageTypes.Read(CloudEvents.Text(record.Message.Headers, CloudEvents.Type)!, record.Message.Value)
            )
            .OfType<SessionFinished>()
            .Where(finished => finished.SessionId.EndsWith(run, StringComparison.Ordinal))
            .ToList();

    private static Message<byte[], byte[]> Record(BeaconReceived beacon) =>
        new()
        {
            Key = Encoding.UTF8.GetBytes(beacon.SessionId),
            Value = MessageTypes.Write(beacon),
            Timestamp = new Timestamp(beacon.ReceivedAt),
            Headers = CloudEvents.Headers(
                MessageTypes.NameOf(typeof(BeaconReceived)),
                "/test",
                Guid.NewGuid().ToString(),
                beacon.Time,
                null
            ),
        };

    private static async Task UntilAsync(Func<Task<bool>> condition)
    {
        using var limit = new CancellationTokenSource(Patience);
        while (!await condition())
            await Task.Delay(50, limit.Token);
    }
}
