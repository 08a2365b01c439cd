using System.IO.Compression;
using System.Net;
using System.Text;
using Confluent.Kafka;
using Confluent.Kafka.Admin;
using EventStream.Collect;
using EventStream.Contracts;
using EventStream.Hosting;
using EventStream.Tests.Kit;

namespace EventStream.Integration.Tests.Collect;

public sealed class CollectApiTests
{
    [Fact]
    public async Task A_report_is_proven_by_the_address_of_its_own_session_only()
    {
        await using var rig = await CollectRig.StartAsync();
        var path = CollectRig.BeaconsPath("mine", "video");
        using var own = await rig.ReportAsync(path, CollectRig.Beacon("mine", 1));
        using var other = await rig.ReportAsync(path, CollectRig.Beacon("other", 1));
        using var bare = await rig.ReportAsync("/v1/cmcd?video=video&session=bare", CollectRig.Beacon("bare", 1));
        using var moved = await rig.ReportAsync(
            path.Replace("region=eu", "region=us", StringComparison.Ordinal),
            CollectRig.Beacon("mine", 2)
        );

        Assert.All([own, other, bare, moved], answer => Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode));
        var stored = rig.Beacons();
        Assert.Equal(4, stored.Count);
        Assert.Equal(("mine", 1L), (stored.Single(b => b.Proven).SessionId, stored.Single(b => b.Proven).Sequence));
    }

    [Fact]
    public async Task Arrival_is_the_timestamp_in_Kafka_and_the_clients_time_stays_in_the_event()
    {
        await using var rig = await CollectRig.StartAsync();
        var ahead = CollectRig.Now.AddHours(2);
        using var report = await rig.ReportAsync(
            "/v1/cmcd",
            CollectRig.Beacon("ahead", 1, ahead),
            CollectRig.Beacon("well", 1),
            CollectRig.Beacon("behind", 1, ahead.AddYears(-30))
        );
        using var log = await rig.LogAsync(CollectRig.Line("edge-a", "r1", "1"));

        Assert.Equal(HttpStatusCode.NoContent, report.StatusCode);
        Assert.Equal(HttpStatusCode.NoContent, log.StatusCode);
        var records = rig.Read(Topics.PlaybackBeacons).Concat(rig.Read(Topics.CdnRequests)).ToList();
        Assert.Equal(4, records.Count);
        Assert.All(
            records,
            record => Assert.InRange(record.Timestamp, CollectRig.Now.AddMinutes(-2), CollectRig.Now.AddMinutes(1))
        );
        Assert.Equal(
            ahead.ToUnixTimeMilliseconds(),
            rig.Beacons().Single(beacon => beacon.SessionId == "ahead").Time.ToUnixTimeMilliseconds()
        );
    }

    [Fact]
    public async Task A_record_that_Kafka_refuses_is_one_dead_letter_and_its_neighbours_are_stored()
    {
        await using var rig = await CollectRig.StartAsync();
        using (
            var admin = new AdminClientBuilder(
                new AdminClientConfig { BootstrapServers = rig.Broker.Bootstrap }
            ).Build()
        )
        {
            // A record of a report with a long address is greater than this; the others are not.
            await admin.IncrementalAlterConfigsAsync(
                new Dictionary<ConfigResource, List<ConfigEntry>>
                {
                    [new() { Type = ResourceType.Topic, Name = Topics.PlaybackBeacons.Name }] =
                    [
                        new()
                        {
                            Name = "max.message.bytes",
                            Value = "4000",
                            IncrementalOperation = AlterConfigOpType.Set,
                        },
                    ],
                }
            );
        }

        var lines = Enumerable.Range(0, 20).Select(i => CollectRig.Beacon("same", i)).ToList();
        lines.Insert(10, CollectRig.Beacon("same", 99, more: $",url=\"http://x/{new string('a', 4000)}\""));
        using var answer = await rig.ReportAsync("/v1/cmcd", [.. lines]);

        Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode);
        Assert.Equal(Enumerable.Range(0, 20).Select(i => (long?)i), rig.Beacons().Select(b => b.Sequence).Order());
        var letter = Assert.Single(rig.Letters());
        Assert.Contains("Kafka refuses the record", letter.Cause, StringComparison.Ordinal);
        Assert.Contains(
            "sn=99",
            Encoding.UTF8.GetString(Convert.FromBase64String(letter.ValueBase64)),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task Bad_numbers_and_long_lines_are_dead_letters_and_the_rest_is_stored()
    {
        await using var rig = await CollectRig.StartAsync();
        using var report = await rig.ReportAsync(
            "/v1/cmcd",
            CollectRig.Beacon("n", 1),
            CollectRig.Beacon("n", 2, more: $",bl={new string('9', 400)}"),
            CollectRig.Beacon("n", 3, more: $",x-y=\"{new string('a', 200_000)}\"")
        );
        using var log = await rig.LogAsync(
            string.Join(
                '\n',
                CollectRig.Line("edge-a", "r1"),
                CollectRig.Line("edge-a", "r2", "1e400"),
                CollectRig.Line("edge-a", new string('r', 300_000))
            )
        );

        Assert.Equal(HttpStatusCode.NoContent, report.StatusCode);
        Assert.Equal(HttpStatusCode.NoContent, log.StatusCode);
        Assert.Equal(1, rig.Beacons().Single().Sequence);
        Assert.Equal("r1", rig.Requests().Single().RequestId);
        var letters = rig.Letters();
        Assert.Equal(4, letters.Count);
        Assert.All(
            letters,
            letter => Assert.True(Convert.FromBase64String(letter.ValueBase64).Length <= Intake.DeadLetterBytesMax)
        );
    }

    [Fact]
    public async Task A_log_comes_in_as_lines_or_array_in_any_usual_encoding_and_else_is_refused()
    {
        await using var rig = await CollectRig.StartAsync();
        var array = $"[{CollectRig.Line("edge-a", "a1")},\n {CollectRig.Line("edge-a", "a2")}]";
        using var asArray = await rig.LogAsync(array, "application/json; charset=utf-8");
        Assert.Equal(HttpStatusCode.NoContent, asArray.StatusCode);
        using var asLines = await rig.LogAsync(
            $"{CollectRig.Line("edge-a", "l1")}\n{CollectRig.Line("edge-a", "l2")}\n",
            "application/json"
        );
        Assert.Equal(HttpStatusCode.NoContent, asLines.StatusCode);
        using var asText = await rig.LogAsync(CollectRig.Line("edge-a", "t1"), "text/plain;charset=UTF-8");
        Assert.Equal(HttpStatusCode.NoContent, asText.StatusCode);
        foreach (var coding in (string[])["gzip", "deflate", "br", "zstd"])
        {
            using var packed = await rig.PostAsync(
                "/v1/cdn-logs",
                "application/x-ndjson",
                Pack(coding, CollectRig.Line("edge-a", coding)),
                coding,
                TestKeys.EdgeA
            );
            Assert.True(packed.StatusCode == HttpStatusCode.NoContent, coding);
            using var bomb = await rig.PostAsync(
                "/v1/cdn-logs",
                "application/x-ndjson",
                Pack(coding, new string(' ', 4_000_000)),
                coding,
                TestKeys.EdgeA
            );
            Assert.True(bomb.StatusCode == HttpStatusCode.RequestEntityTooLarge, $"{coding}: {bomb.StatusCode}");
            using var broken = await rig.PostAsync(
                "/v1/cdn-logs",
                "application/x-ndjson",
                "certainly not"u8.ToArray(),
                coding,
                TestKeys.EdgeA
            );
            Assert.True(broken.StatusCode == HttpStatusCode.BadRequest, $"{coding}: {broken.StatusCode}");
        }

        using var unknown = await rig.PostAsync(
            "/v1/cdn-logs",
            "application/x-ndjson",
            "x"u8.ToArray(),
            "lzma",
            TestKeys.EdgeA
        );
        Assert.Equal(HttpStatusCode.UnsupportedMediaType, unknown.StatusCode);
        Assert.Contains("'lzma'", await unknown.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        using var charset = await rig.LogAsync("x", "text/plain; charset=klingon");
        Assert.Equal(HttpStatusCode.UnsupportedMediaType, charset.StatusCode);
        Assert.Equal(
            ["a1", "a2", "br", "deflate", "gzip", "l1", "l2", "t1", "zstd"],
            rig.Requests().Select(request => request.RequestId).Order(StringComparer.Ordinal)
        );
    }

    [Fact]
    public async Task An_edge_delivers_its_own_log_only()
    {
        await using var rig = await CollectRig.StartAsync();
        using var own = await rig.LogAsync(CollectRig.Line("edge-a", "own"));
        using var foreign = await rig.LogAsync(CollectRig.Line("edge-b", "foreign"));
        using var both = await rig.LogAsync(CollectRig.Line("edge-b", "f2") + "\n" + CollectRig.Line("edge-a", "o2"));
        var line = Encoding.UTF8.GetBytes(CollectRig.Line("edge-a", "x"));
        using var nobody = await rig.PostAsync("/v1/cdn-logs", "text/plain", line);
        using var @operator = await rig.PostAsync("/v1/cdn-logs", "text/plain", line, key: TestKeys.Operator);

        Assert.Equal(
            [HttpStatusCode.NoContent, HttpStatusCode.Forbidden, HttpStatusCode.NoContent],
            ((HttpResponseMessage[])[own, foreign, both]).Select(answer => answer.StatusCode)
        );
        Assert.Contains("'edge-b'", await foreign.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.Unauthorized, nobody.StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, @operator.StatusCode);
        Assert.Equal(["o2", "own"], rig.Requests().Select(request => request.RequestId).Order());
        Assert.Equal(2, rig.Letters().Count);
    }

    [Fact]
    public async Task A_followed_log_is_of_the_edge_that_the_settings_name()
    {
        var folder = Directory.CreateTempSubdirectory("eventstream-follow-").FullName;
        var log = Path.Combine(folder, "access.log");
        await File.WriteAllTextAsync(log, CollectRig.Line("edge-of-a-liar", "r1") + "\n");
        await using (
            var rig = await CollectRig.StartAsync(
                ("Collect:AccessLogs:0:Path", log),
                ("Collect:AccessLogs:0:Edge", "edge-a"),
                ("Collect:CheckpointFolder", folder)
            )
        )
        {
            await Messaging.Eventually.HoldsAsync(() => rig.Requests().Count > 0, "the line is published");
            Assert.Equal("edge-a", rig.Requests().Single().Edge);
        }

        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public void Without_the_signing_key_or_an_edges_name_the_role_does_not_start()
    {
        var key = Assert.Throws<RoleConfigurationException>(() =>
            RoleHost.Build(new CollectRole(), RoleHost.ReadConfiguration(null, []))
        );
        Assert.Contains("Playback:SigningKey", key.Message, StringComparison.Ordinal);
        var log = Assert.Throws<RoleConfigurationException>(() =>
            RoleHost.Build(
                new CollectRole(),
                RoleHost.ReadConfiguration(null, CollectRig.Settings(("Collect:AccessLogs:0", "/edges/access.log")))
            )
        );
        Assert.Contains("name of its Edge", log.Message, StringComparison.Ordinal);
    }

    internal static byte[] Pack(string coding, string text)
    {
        using var packed = new MemoryStream();
        using (
            Stream stream = coding switch
            {
                "gzip" => new GZipStream(packed, CompressionLevel.Fastest, leaveOpen: true),
                "deflate" => new ZLibStream(packed, CompressionLevel.Fastest, leaveOpen: true),
                "br" => new BrotliStream(packed, CompressionLevel.Fastest, leaveOpen: true),
                _ => new ZstdSharp.CompressionStream(packed, leaveOpen: true),
            }
        )
            stream.Write(Encoding.UTF8.GetBytes(text));
        return packed.ToArray();
    }
}
