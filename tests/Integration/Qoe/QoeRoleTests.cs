using System.Net;
using System.Text;
using Confluent.Kafka;
using EventStream.Contracts;
using EventStream.Hosting;
using EventStream.Messaging.Kafka;
using EventStream.Qoe;
using EventStream.Tests.Kit;
using Microsoft.AspNetCore.Builder;

namespace EventStream.Integration.Tests.Qoe;

/// <summary>The role as it runs: captured reports of real players in, sessions, windows and load out.</summary>
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
            .Select(name => FromNowOn(Capture.Load(name), run))
            .ToList();
        // Before the role starts: time of an idle stream follows the clock, and older records would count as late. In
        // the order in which they were received, as the collector writes: two viewers may share a partition.
        broker.Write(
            Topics.PlaybackBeacons.Name,
            captures.SelectMany(capture => capture.Beacons).OrderBy(beacon => beacon.ReceivedAt).Select(Record)
        );
        await using var app = Role(broker);
        await app.StartAsync();
        using var http = TestKeys.Client(TestKeys.Analyst, app.Urls.First());

        // The viewer who came last: the state of the others may have been dropped by then.
        var session = $"/v1/sessions/{captures.MaxBy(capture => capture.Beacons[^1].ReceivedAt)!.Beacons[0].SessionId}";
        await UntilAsync(async () => (await http.GetAsync(session)).IsSuccessStatusCode);
        await UntilAsync(async () => (await http.GetAsync("/health/ready")).IsSuccessStatusCode);
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

    /// <summary>
    /// No viewer, no request, ever: zeros come from the first steps on, and after a restart they go on where they were.
    /// </summary>
    [Fact]
    public async Task An_idle_platform_has_a_load_of_zero_in_every_step_also_across_a_restart()
    {
        await using var broker = await StreamsBroker.StartAsync();
        await broker.Admin.EnsureAsync(Topics.All, CancellationToken.None);
        var settings = FastQoe.Settings("test");
        for (var (runs, wanted) = (0, 3); runs < 2; runs++, wanted += 8)
        {
            await using var app = Role(broker, settings);
            await app.StartAsync();
            broker.ReadUntil(Topics.TrafficLoad, read => Loads(read, "viewers").Count >= wanted);
            await app.StopAsync();
        }

        var read = broker.ReadUntil(Topics.TrafficLoad, all => Loads(all, "viewers").Count >= 11);
        foreach (var resource in new[] { "viewers", "edge:edge-a:requests", "edge:edge-a:bytes" })
        {
            var steps = Loads(read, resource);
            Assert.All(steps, step => Assert.Equal((0.0, 1.0), (step.Value, step.StepSeconds)));
            Assert.Equal(
                Enumerable.Range(0, steps.Count).Select(i => steps[0].Time.AddSeconds(i)),
                steps.Select(step => step.Time)
            );
        }
    }

    private static List<LoadMeasured> Loads(List<ConsumeResult<byte[], byte[]>> read, string resource) =>
        read.Select(record => MessageTypes.Read("traffic.load-measured.v1", record.Message.Value))
            .Cast<LoadMeasured>()
            .Where(load => load.Resource == resource)
            .ToList();

    private static WebApplication Role(StreamsBroker broker, Dictionary<string, string?>? settings = null) =>
        RoleHost.Build(
            new QoeRole(),
            RoleHost.ReadConfiguration(
                overrides: new Dictionary<string, string?>(
                    (settings ?? FastQoe.Settings("test")).Concat(TestKeys.Pairs)
                )
                {
                    ["Traffic:Edges:0:Name"] = "edge-a",
                    ["Traffic:Edges:0:Region"] = "eu",
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

    /// <summary>
    /// Gives the session an id of this run, because a shared broker keeps those of runs before, and the present
    /// time: after the last report the stream's time is that of the clock, which would end a session of an earlier day.
    /// </summary>
    private static Capture FromNowOn(Capture capture, string run)
    {
        var now = DateTimeOffset.FromUnixTimeMilliseconds(TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds());
        var shift = now - capture.Beacons.Min(beacon => beacon.Time);
        return capture with
        {
            Beacons = capture
                .Beacons.Select(beacon =>
                    beacon with
                    {
                        SessionId = $"{beacon.SessionId}-{run}",
                        Time = beacon.Time + shift,
                        ReceivedAt = beacon.ReceivedAt + shift,
                    }
                )
                .ToList(),
        };
    }

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
