using System.Buffers.Binary;
using System.Net.Sockets;
using EventStream.Embedded.Broker.Protocol;

namespace EventStream.Embedded.Tests.Integration.Broker.Differential;

/// <summary>
/// One connection that speaks the protocol frame by frame, for what a stock client never sends or never shows. The
/// primitives are those of the broker; that they are right is shown by Apache Kafka, which is asked the same.
/// </summary>
internal sealed partial class Wire : IDisposable
{
    /// <summary>A coordinator that loads, moves or completes a transaction: every client tries again.</summary>
    private static readonly short[] Passing = [5, 6, 14, 15, 16, 51];

    private readonly TcpClient _client;
    private int _correlationId;

    private Wire(TcpClient client) => _client = client;

    public static async Task<Wire> ConnectAsync(string bootstrap)
    {
        var client = new TcpClient { NoDelay = true };
        var (host, port) = (bootstrap.Split(':')[0], int.Parse(bootstrap.Split(':')[1]));
        await client.ConnectAsync(host, port);
        return new Wire(client);
    }

    /// <summary>The name of an error code, as the stock client spells it.</summary>
    public static string Name(short code) => ((Confluent.Kafka.ErrorCode)code).ToString();

    /// <summary>Sends one request and returns the reader of the answer's body.</summary>
    /// <exception cref="EndOfStreamException">The broker closed the connection instead of answering.</exception>
    public async Task<RequestReader> AskAsync(
        short api,
        short version,
        bool flexible,
        Action<ResponseWriter> body,
        bool flexibleAnswer
    )
    {
        await SendAsync(api, version, flexible, body);
        using var limit = new CancellationTokenSource(Clients.Patience);
        var size = new byte[4];
        await _client.GetStream().ReadExactlyAsync(size, limit.Token);
        var frame = new byte[BinaryPrimitives.ReadInt32BigEndian(size)];
        await _client.GetStream().ReadExactlyAsync(frame, limit.Token);
        var reader = new RequestReader();
        reader.Reset(frame, 0, frame.Length);
        Assert.Equal(_correlationId, reader.ReadInt32());
        reader.Flexible = flexibleAnswer;
        reader.SkipTags();
        reader.Flexible = flexible;
        return reader;
    }

    public Task<RequestReader> AskAsync(ApiKey api, short version, bool flexible, Action<ResponseWriter> body) =>
        AskAsync((short)api, version, flexible, body, flexible);

    /// <summary>Sends one request to which no answer is expected.</summary>
    public async Task SendAsync(short api, short version, bool flexible, Action<ResponseWriter> body)
    {
        using var writer = new ResponseWriter();
        writer.WriteInt32(0);
        writer.WriteInt16(api);
        writer.WriteInt16(version);
        writer.WriteInt32(++_correlationId);
        writer.WriteString("differential");
        writer.Flexible = flexible;
        writer.WriteTags();
        body(writer);
        writer.WriteTags();
        writer.End();
        await _client.GetStream().WriteAsync(writer.Written);
    }

    /// <summary>Whether the broker hangs up on a request instead of answering.</summary>
    public async Task<string> OutcomeAsync(short api, short version, bool flexible, Action<ResponseWriter> body)
    {
        try
        {
            await AskAsync(api, version, flexible, body, flexible);
            return "answered";
        }
        catch (IOException)
        {
            return "closed";
        }
    }

    public void Dispose() => _client.Dispose();

    /// <summary>Asks again, as clients do, while the answer is an error that passes by itself.</summary>
    private static async Task<T> PatientlyAsync<T>(Func<Task<T>> ask, Func<T, short> error)
    {
        for (var clock = System.Diagnostics.Stopwatch.StartNew(); ; )
        {
            var answer = await ask();
            if (!Passing.Contains(error(answer)) || clock.Elapsed > Clients.Patience)
            {
                return answer;
            }
            await Task.Delay(20);
        }
    }
}
