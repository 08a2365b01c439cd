using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using EventStream.Embedded.Broker;
using EventStream.Embedded.Broker.Protocol;
using EventStream.Embedded.Broker.Server;
using FsCheck;
using FsCheck.Fluent;

namespace EventStream.Embedded.Tests.Broker;

/// <summary>How the bytes of a connection become frames, and what a client may make the broker hold.</summary>
public sealed class FrameReaderTests : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);

    public FrameReaderTests() => _listener.Start();

    public void Dispose() => _listener.Dispose();

    [Fact]
    public void Frames_come_out_as_they_went_in_however_the_bytes_are_cut() =>
        Prop.ForAll(
                Gen.Choose(0, int.MaxValue).ToArbitrary(),
                seed => RoundTripAsync(new Random(seed)).GetAwaiter().GetResult()
            )
            .Check(Config.QuickThrowOnFailure.WithMaxTest(40));

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(int.MinValue)]
    [InlineData(int.MaxValue)]
    [InlineData((1024 * 1024) + 1)]
    public async Task A_size_out_of_bounds_is_refused_before_anything_is_allocated(int size)
    {
        using var pair = await PairAsync();
        await pair.SendAsync(Size(size));
        await Assert.ThrowsAsync<MalformedRequestException>(async () => await pair.Reader.ReadAsync(isAdmitted: true));
        Assert.Equal(0, pair.Budget.Taken);
    }

    [Fact]
    public async Task A_large_request_other_than_Produce_is_refused_unread()
    {
        using var pair = await PairAsync();
        await pair.SendAsync([.. Size(100_000), 0, (byte)ApiKey.Metadata]);
        var refused = await Assert.ThrowsAsync<MalformedRequestException>(async () =>
            await pair.Reader.ReadAsync(isAdmitted: true)
        );
        Assert.Contains("Metadata", refused.Message, StringComparison.Ordinal);
        Assert.Equal(0, pair.Budget.Taken);
    }

    [Fact]
    public async Task A_client_that_is_not_authenticated_yet_cannot_send_more_than_an_authentication_needs()
    {
        using var pair = await PairAsync();
        await pair.SendAsync(Size(FrameReader.UnauthenticatedBytesMax + 1));
        await Assert.ThrowsAsync<MalformedRequestException>(async () => await pair.Reader.ReadAsync(isAdmitted: false));
    }

    [Fact]
    public async Task A_large_request_waits_for_the_budget_and_gives_up_when_the_broker_stops()
    {
        using var pair = await PairAsync();
        pair.Budget.Take(pair.BudgetBytes, atLeast: pair.BudgetBytes);
        await pair.SendAsync([.. Size(20_000), 0, (byte)ApiKey.Produce]);
        var reading = pair.Reader.ReadAsync(isAdmitted: true).AsTask();
        await pair.Stopping.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading);
        pair.Budget.Release(pair.BudgetBytes);
        await pair.Budget.AcquireAsync(pair.BudgetBytes, CancellationToken.None);
    }

    [Fact]
    public async Task A_request_that_trickles_in_too_slowly_is_given_up()
    {
        var time = new TurnedClock();
        using var pair = await PairAsync(time);
        await pair.SendAsync([.. Size(20_000), 0, (byte)ApiKey.Produce, .. new byte[100]]);
        var reading = pair.Reader.ReadAsync(isAdmitted: true).AsTask();
        while (!reading.IsCompleted)
        {
            time.Seconds += 20;
            await pair.SendAsync([0]);
        }
        var refused = await Assert.ThrowsAsync<MalformedRequestException>(() => reading);
        Assert.Contains("too long", refused.Message, StringComparison.Ordinal);
    }

    private async Task<bool> RoundTripAsync(Random random)
    {
        using var pair = await PairAsync();
        var frames = new byte[random.Next(1, 12)][];
        using var stream = new MemoryStream();
        for (var i = 0; i < frames.Length; i++)
        {
            frames[i] = new byte[random.Next(5) == 0 ? random.Next(8_000, 60_000) : random.Next(10, 300)];
            random.NextBytes(frames[i]);
            BinaryPrimitives.WriteInt16BigEndian(frames[i], (short)ApiKey.Produce);
            stream.Write(Size(frames[i].Length));
            stream.Write(frames[i]);
        }
        var sending = SendInPiecesAsync(pair, stream.ToArray(), random);
        foreach (var frame in frames)
        {
            if (!await pair.Reader.ReadAsync(isAdmitted: true))
                return false;
            var got = pair.Reader.Buffer.AsSpan(pair.Reader.FrameStart, pair.Reader.FrameLength);
            if (!got.SequenceEqual(frame))
                return false;
            pair.Reader.Release();
        }
        await sending;
        return !await pair.Reader.ReadAsync(isAdmitted: true) && pair.Budget.Taken == 0;
    }

    private static async Task SendInPiecesAsync(Pair pair, byte[] bytes, Random random)
    {
        for (var sent = 0; sent < bytes.Length; )
        {
            var piece = Math.Min(random.Next(4) == 0 ? random.Next(1, 8) : random.Next(1, 9_000), bytes.Length - sent);
            await pair.SendAsync(bytes[sent..(sent + piece)]);
            sent += piece;
            await Task.Yield();
        }
        pair.Client.Client.Shutdown(SocketShutdown.Send);
    }

    private static byte[] Size(int size)
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(bytes, size);
        return bytes;
    }

    private async Task<Pair> PairAsync(TimeProvider? time = null)
    {
        var client = new TcpClient { NoDelay = true };
        var accepting = _listener.AcceptSocketAsync();
        await client.ConnectAsync((IPEndPoint)_listener.LocalEndpoint);
        return new Pair(client, await accepting, time ?? TimeProvider.System);
    }

    private sealed class TurnedClock : TimeProvider
    {
        private long _seconds;

        public long Seconds
        {
            get => Volatile.Read(ref _seconds);
            set => Volatile.Write(ref _seconds, value);
        }

        public override long TimestampFrequency => 1;

        public override long GetTimestamp() => Seconds;
    }

    /// <summary>A client and the reader at the other end.</summary>
    private sealed class Pair : IDisposable
    {
        private readonly Transport _transport;
        private readonly Deadline _deadline;

        public Pair(TcpClient client, Socket server, TimeProvider time)
        {
            Client = client;
            _transport = new Transport(server);
            var options = new BrokerOptions
            {
                DataFolder = "unused",
                Time = time,
                RequestBytesMax = 1024 * 1024,
                ControlRequestBytesMax = 64 * 1024,
            };
            _deadline = new Deadline(options.TransferTimeout, Stopping.Token);
            Budget = new ByteBudget(BudgetBytes);
            Reader = new FrameReader(_transport, options, Budget, _deadline);
        }

        public int BudgetBytes => 2 * 1024 * 1024;

        public TcpClient Client { get; }

        public CancellationTokenSource Stopping { get; } = new();

        public ByteBudget Budget { get; }

        public FrameReader Reader { get; }

        public ValueTask SendAsync(byte[] bytes) => Client.GetStream().WriteAsync(bytes);

        public void Dispose()
        {
            Reader.Dispose();
            _deadline.Dispose();
            _transport.Dispose();
            Client.Dispose();
            Stopping.Dispose();
        }
    }
}
