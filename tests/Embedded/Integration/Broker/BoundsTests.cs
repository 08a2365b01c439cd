using Confluent.Kafka;
using EventStream.Embedded.Broker.Protocol;
using EventStream.Tests.Kit;

namespace EventStream.Embedded.Tests.Integration.Broker;

/// <summary>What clients may take of the broker, and that nobody else suffers from those who try for more.</summary>
[Trait("Category", "Integration")]
public sealed class BoundsTests
{
    [Fact]
    public async Task Fetches_that_wait_leave_the_budget_to_producers()
    {
        // Ten fetches of 16 MiB each would hold the whole budget of 128 MiB if they kept what they may return.
        await using var broker = await TestBroker.StartAsync();
        var topic = await Clients.CreateTopicAsync(broker, partitions: 1);
        var waiting = Enumerable.Range(0, 10).Select(_ => new RawClient(broker.Port)).ToList();
        foreach (var client in waiting)
            await client.SendAsync(ApiKey.Fetch, 4, w => Fetch(w, topic));
        using var producer = Clients.Producer(broker);
        var sent = await producer.ProduceAsync(topic, new Message<string, string> { Value = new string('x', 900_000) });
        Assert.Equal(0, sent.Offset.Value);
        // The record ends the wait of all of them.
        foreach (var client in waiting)
        {
            await client.ReceiveAsync();
            client.Dispose();
        }
    }

    [Fact]
    public async Task Clients_that_take_no_answers_do_not_keep_others_from_reading()
    {
        await using var broker = await TestBroker.StartAsync(o => o with { InFlightBytesMax = 32 * 1024 * 1024 });
        var topic = await Clients.CreateTopicAsync(broker, partitions: 1);
        using var producer = Clients.Producer(broker);
        for (var i = 0; i < 20; i++)
        {
            producer.Produce(topic, new Message<string, string> { Value = new string('x', 900_000) });
        }
        producer.Flush(Clients.Patience);
        var stuck = Enumerable.Range(0, 6).Select(_ => new RawClient(broker.Port)).ToList();
        foreach (var client in stuck)
            await client.SendAsync(ApiKey.Fetch, 4, w => Fetch(w, topic));
        Assert.Equal(20, Clients.ReadAll(broker, topic, 20).Count);
        await producer.ProduceAsync(topic, new Message<string, string> { Value = new string('x', 900_000) });
        foreach (var client in stuck)
            client.Dispose();
    }

    [Fact]
    public async Task A_request_whose_answer_would_be_too_large_ends_its_connection_and_is_counted()
    {
        await using var broker = await TestBroker.StartAsync();
        var topic = await Clients.CreateTopicAsync(broker, partitions: 100);
        using var client = new RawClient(broker.Port);
        await client.SendAsync(
            ApiKey.Metadata,
            1,
            w =>
            {
                w.WriteArrayLength(30_000);
                for (var i = 0; i < 30_000; i++)
                    w.WriteString(topic);
            }
        );
        await client.AwaitEndAsync();
        Assert.Equal(1, broker.Running.GarbageFrames);
        Assert.NotEmpty(await Clients.CreateTopicAsync(broker, partitions: 1));
    }

    [Fact]
    public async Task An_address_has_so_many_connections_and_no_more()
    {
        await using var broker = await TestBroker.StartAsync(o => o with { ConnectionsPerAddressMax = 1 });
        using var first = new RawClient(broker.Port);
        await first.AskAsync(ApiKey.ApiVersions, 0, _ => { });
        using var second = new RawClient(broker.Port);
        await second.AwaitEndAsync();
        await first.AskAsync(ApiKey.ApiVersions, 0, _ => { });
    }

    [Fact]
    public async Task An_API_that_is_not_served_ends_the_connection_with_a_reason_in_the_log()
    {
        await using var broker = await TestBroker.StartAsync();
        foreach (var (api, version) in ((short, short)[])[(68, 0), (1, 99), (999, 0), (-1, 0)])
        {
            using var client = new RawClient(broker.Port);
            await client.SendAsync((ApiKey)api, version, w => w.WriteString("g"));
            await client.AwaitEndAsync();
        }
        Assert.Equal(4, broker.Running.GarbageFrames);
    }

    /// <summary>From offset 0 of partition 0, 16 MiB, waiting a minute for the first byte.</summary>
    private static void Fetch(ResponseWriter writer, string topic)
    {
        writer.WriteInt32(-1);
        writer.WriteInt32(60_000);
        writer.WriteInt32(1);
        writer.WriteInt32(16 * 1024 * 1024);
        writer.WriteByte(0);
        writer.WriteArrayLength(1);
        writer.WriteString(topic);
        writer.WriteArrayLength(1);
        writer.WriteInt32(0);
        writer.WriteInt64(0);
        writer.WriteInt32(16 * 1024 * 1024);
    }
}
