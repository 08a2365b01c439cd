using System.Globalization;
using System.Text;
using System.Text.Json;
using Confluent.Kafka;
using EventStream.Contracts;
using EventStream.EventStore.Relay;
using EventStream.Messaging.Kafka;
using EventStream.Tests.Kit;
using Npgsql;

namespace EventStream.Integration.Tests.EventStore.Former;

/// <summary>
/// What the release before Marten exported of seven videos: three published, one rejected, one failed, one whose upload
/// never began, and one that was still encoded at line 99. The publisher of one was erased.
/// </summary>
internal static class FormerExport
{
    public const string Published = "01a22a58-5320-7b20-93c9-c49add7905fc";
    public const string Erased = "01a22a58-5692-7a34-af27-24662df8f4a6";

    /// <summary>The line at which one video was still being encoded.</summary>
    public const int Unfinished = 99;

    public static string File =>
        Path.Combine(Checkout.Root, "tests", "Integration", "EventStore", "Former", "store-export.ndjson");

    public static string[] Lines => System.IO.File.ReadAllLines(File);

    /// <summary>The lines of a category's streams, as JSON.</summary>
    public static List<JsonElement> Events(string category, int lines = int.MaxValue) =>
        [
            .. Lines
                .Take(lines)
                .Select(line => JsonDocument.Parse(line).RootElement)
                .Where(e => e.GetProperty("stream").GetString()!.StartsWith($"{category}-", StringComparison.Ordinal)),
        ];

    /// <summary>Puts what the former relay published of the first lines onto <c>video.events</c>.</summary>
    public static async Task PublishAsync(string bootstrap, int lines)
    {
        await RelayCheck.CreateTopicAsync(bootstrap, Topics.VideoEvents);
        using var producer = new ProducerBuilder<byte[], byte[]>(
            new KafkaOptions { Bootstrap = bootstrap }.ProducerConfig("former")
        ).Build();
        foreach (var e in Events("video", lines))
            producer.Produce(Topics.VideoEvents.Name, Record(e));
        producer.Flush(TimeSpan.FromSeconds(30));
    }

    /// <summary>
    /// The tables of the former store in a schema, as far as a later release looks at them: events and uploads.
    /// </summary>
    public static async Task FillAsync(NpgsqlDataSource source, string schema)
    {
        await using var create = source.CreateCommand(
            $"""
            create schema {schema};
            create sequence {schema}.event_positions;
            create table {schema}.events (position bigint primary key, stream text, version bigint, id uuid, name text);
            create table {schema}.uploads (
                video_id uuid primary key, publisher text, length_bytes bigint, metadata text, sha256 text, state text,
                trace_parent text, created_at timestamptz, expires_at timestamptz, writer uuid,
                writer_until timestamptz,
                kind text, parts uuid[], final_id uuid);
            insert into {schema}.uploads values ('{Published}', 'studio', 1000, 'filename eA==', null, 'open', null,
                now(), now() + interval '1 day', null, null, 'video', null, null)
            """
        );
        await create.ExecuteNonQueryAsync();
        foreach (var e in Events("video").Concat(Events("encode")))
        {
            await using var insert = source.CreateCommand($"insert into {schema}.events values ($1, $2, $3, $4, $5)");
            insert.Parameters.Add(new() { Value = e.GetProperty("position").GetInt64() });
            insert.Parameters.Add(new() { Value = e.GetProperty("stream").GetString() });
            insert.Parameters.Add(new() { Value = e.GetProperty("version").GetInt64() });
            insert.Parameters.Add(new() { Value = e.GetProperty("id").GetGuid() });
            insert.Parameters.Add(new() { Value = e.GetProperty("type").GetString() });
            await insert.ExecuteNonQueryAsync();
        }
    }

    private static Message<byte[], byte[]> Record(JsonElement e)
    {
        var type = e.GetProperty("type").GetString()!;
        var at = e.GetProperty("recordedAt").GetDateTimeOffset();
        var headers = CloudEvents.Headers(type, "/eventstream/upload", e.GetProperty("id").GetString()!, at, null);
        void Add(string name, string member) =>
            headers.Add(
                name,
                Encoding.ASCII.GetBytes(e.GetProperty(member).GetInt64().ToString(CultureInfo.InvariantCulture))
            );
        Add(RelayRecords.Position, "position");
        Add(RelayRecords.Version, "version");
        return new Message<byte[], byte[]>
        {
            Key = Encoding.UTF8.GetBytes(e.GetProperty("stream").GetString()!["video-".Length..]),
            Value = JsonSerializer.SerializeToUtf8Bytes(e.GetProperty("data")),
            Timestamp = new Timestamp(at),
            Headers = headers,
        };
    }
}
