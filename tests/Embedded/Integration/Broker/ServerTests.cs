using System.Buffers.Binary;
using System.Net.Sockets;
using EventStream.Embedded.Broker;
using EventStream.Tests.Kit;

namespace EventStream.Embedded.Tests.Integration.Broker;

/// <summary>The broker towards clients that break the rules, and towards its own start.</summary>
[Trait("Category", "Integration")]
public sealed class ServerTests
{
    [Fact]
    public async Task Garbage_closes_its_connection_is_counted_and_disturbs_nobody()
    {
        await using var broker = await TestBroker.StartAsync();
        var random = new Random(7);
        for (var i = 0; i < 50; i++)
        {
            using var client = new TcpClient("127.0.0.1", broker.Port);
            var bytes = new byte[random.Next(10, 200)];
            random.NextBytes(bytes);
            BinaryPrimitives.WriteInt32BigEndian(bytes, i % 3 == 0 ? int.MaxValue : bytes.Length - 4);
            await client.GetStream().WriteAsync(bytes);
            await ReadToEndAsync(client);
        }
        Assert.True(broker.Running.GarbageFrames >= 45, $"{broker.Running.GarbageFrames} counted");
        var topic = await Clients.CreateTopicAsync(broker, partitions: 1);
        Assert.NotEmpty(topic);
    }

    [Fact]
    public async Task Requests_sent_together_are_answered_in_order()
    {
        await using var broker = await TestBroker.StartAsync();
        using var client = new TcpClient("127.0.0.1", broker.Port);
        var stream = client.GetStream();
        var requests = new MemoryStream();
        for (var i = 0; i < 100; i++)
        {
            requests.Write(ApiVersions(correlationId: i, version: 0));
        }
        await stream.WriteAsync(requests.ToArray());
        for (var i = 0; i < 100; i++)
        {
            var frame = await ReadFrameAsync(stream);
            Assert.Equal(i, BinaryPrimitives.ReadInt32BigEndian(frame));
        }
    }

    [Fact]
    public async Task An_unknown_version_of_ApiVersions_is_answered_in_version_zero()
    {
        await using var broker = await TestBroker.StartAsync();
        using var client = new TcpClient("127.0.0.1", broker.Port);
        await client.GetStream().WriteAsync(ApiVersions(correlationId: 5, version: 99));
        var frame = await ReadFrameAsync(client.GetStream());
        Assert.Equal(5, BinaryPrimitives.ReadInt32BigEndian(frame));
        Assert.Equal(35, BinaryPrimitives.ReadInt16BigEndian(frame.AsSpan(4)));
        Assert.True(BinaryPrimitives.ReadInt32BigEndian(frame.AsSpan(6)) > 20);
    }

    [Fact]
    public async Task Connections_above_the_bound_are_closed_and_room_is_made_when_one_leaves()
    {
        await using var broker = await TestBroker.StartAsync(o => o with { ConnectionsMax = 2 });
        using var first = await AskAsync(broker);
        using (var second = await AskAsync(broker))
        {
            using var third = new TcpClient("127.0.0.1", broker.Port);
            await ReadToEndAsync(third);
        }
        Assert.True(
            await Eventually(async () =>
            {
                using var next = await AskAsync(broker);
            })
        );
    }

    [Fact]
    public async Task A_port_in_use_is_named_with_the_remedy()
    {
        await using var broker = await TestBroker.StartAsync();
        var refused = await Assert.ThrowsAsync<BrokerException>(() =>
            TestBroker.StartAsync(o => o with { Port = broker.Port })
        );
        Assert.Contains(broker.Port.ToString(), refused.Message, StringComparison.Ordinal);
        Assert.Contains("another", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_folder_in_use_is_named_with_the_remedy()
    {
        await using var broker = await TestBroker.StartAsync();
        var refused = await Assert.ThrowsAsync<BrokerException>(() =>
            DevBroker.StartAsync(new BrokerOptions { DataFolder = broker.Folder }, CancellationToken.None)
        );
        Assert.Contains(broker.Folder, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Every_wrong_option_is_reported_at_once()
    {
        var options = new BrokerOptions
        {
            DataFolder = " ",
            Port = 70_000,
            ConnectionsMax = 0,
        };
        var refused = await Assert.ThrowsAsync<BrokerException>(() =>
            DevBroker.StartAsync(options, CancellationToken.None)
        );
        Assert.Contains("DataFolder", refused.Message, StringComparison.Ordinal);
        Assert.Contains("70000", refused.Message, StringComparison.Ordinal);
        Assert.Contains("ConnectionsMax", refused.Message, StringComparison.Ordinal);
    }

    private static byte[] ApiVersions(int correlationId, short version)
    {
        var bytes = new byte[14];
        BinaryPrimitives.WriteInt32BigEndian(bytes, 10);
        BinaryPrimitives.WriteInt16BigEndian(bytes.AsSpan(4), 18);
        BinaryPrimitives.WriteInt16BigEndian(bytes.AsSpan(6), version);
        BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(8), correlationId);
        BinaryPrimitives.WriteInt16BigEndian(bytes.AsSpan(12), -1);
        return bytes;
    }

    private static async Task<TcpClient> AskAsync(TestBroker broker)
    {
        var client = new TcpClient("127.0.0.1", broker.Port);
        await client.GetStream().WriteAsync(ApiVersions(1, 0));
        await ReadFrameAsync(client.GetStream());
        return client;
    }

    private static async Task<bool> Eventually(Func<Task> attempt)
    {
        for (var clock = System.Diagnostics.Stopwatch.StartNew(); clock.Elapsed < Clients.Patience; )
        {
            try
            {
                await attempt();
                return true;
            }
            catch (IOException)
            {
                await Task.Yield();
            }
        }
        return false;
    }

    private static async Task<byte[]> ReadFrameAsync(NetworkStream stream)
    {
        using var limit = new CancellationTokenSource(Clients.Patience);
        var size = new byte[4];
        await stream.ReadExactlyAsync(size, limit.Token);
        var frame = new byte[BinaryPrimitives.ReadInt32BigEndian(size)];
        await stream.ReadExactlyAsync(frame, limit.Token);
        return frame;
    }

    private static async Task ReadToEndAsync(TcpClient client)
    {
        using var limit = new CancellationTokenSource(Clients.Patience);
        try
        {
            var stream = client.GetStream();
            client.Client.Shutdown(SocketShutdown.Send);
            while (await stream.ReadAsync(new byte[4096], limit.Token) > 0)
            {
                // What the broker still says does not matter, only that it hangs up.
            }
        }
        catch (Exception e) when (e is IOException or SocketException)
        {
            // A reset is a way to hang up, too.
        }
    }
}
