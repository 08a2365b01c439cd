using EventStream.Embedded.Broker;
using EventStream.Embedded.Broker.Apis;
using EventStream.Embedded.Broker.Protocol;
using EventStream.Embedded.Broker.Security;
using EventStream.Embedded.Broker.Server;
using Microsoft.Extensions.Logging.Abstractions;

namespace EventStream.Embedded.Tests.Broker.Wire;

/// <summary>A broker without a listener, whose handlers are called with frames as a connection calls them.</summary>
public sealed class HandlerFixture : IDisposable
{
    private static readonly SecurityOptions Security = new()
    {
        Protocol = SecurityProtocol.SaslPlaintext,
        Mechanisms = ["PLAIN", "SCRAM-SHA-256"],
        Users = new Dictionary<string, string> { ["alice"] = "secret" },
        FailedAuthenticationDelay = TimeSpan.Zero,
    };

    private readonly SaslSession _authenticated;
    private readonly string _folder = Directory.CreateTempSubdirectory("eventstream-wire-").FullName;

    public HandlerFixture()
    {
        Node = BrokerNode.Open(
            new BrokerOptions
            {
                DataFolder = _folder,
                PartitionsMax = 200,
                AutoCreateTopics = true,
                FetchWaitMax = TimeSpan.FromMilliseconds(1),
                InitialRebalanceDelay = TimeSpan.Zero,
                Security = Security,
            },
            NullLogger.Instance
        );
        _authenticated = new SaslSession(Security, Node.Users, Node.Options.Time);
        _authenticated.Begin("PLAIN", sendsRawTokens: false);
        _authenticated.Next("\0alice\0secret"u8);
        Node.Topics.Create("t", 3, new Dictionary<string, string>());
        Node.Topics.Create("u", 1, new Dictionary<string, string> { ["cleanup.policy"] = "compact" });
    }

    internal BrokerNode Node { get; }

    internal RandomRequests Requests(int seed) =>
        new(
            seed,
            ["t", "u", "g", "h", "", "consumer", "range", "segment.ms", "1000", "Empty", "tx", "größe", ".*", "PLAIN"],
            [
                Guid.Empty,
                Node.Topics.Find("t")?.Id ?? Guid.NewGuid(),
                Guid.Parse("00112233-4455-6677-8899-aabbccddeeff"),
            ]
        );

    /// <summary>The body of the answer, null when the request wanted none or was given up waiting.</summary>
    /// <exception cref="MalformedRequestException">The frame is no request.</exception>
    internal async Task<byte[]?> AnswerAsync(byte[] frame)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromMilliseconds(10));
        using var request = new Request
        {
            ClientHost = "/127.0.0.1",
            Cancellation = patience.Token,
            Sasl = IsSasl(frame) ? new SaslSession(Security, Node.Users, Node.Options.Time) : _authenticated,
        };
        request.Writer.BytesMax = Node.Options.ResponseBytesMax;
        request.Reader.Reset(frame, 0, frame.Length);
        try
        {
            await ApiTable.HandleAsync(Node, request);
        }
        catch (OperationCanceledException)
        {
            return null;
        }
        finally
        {
            Node.Budget.Release(request.BudgetTaken);
        }
        var isFlexible = request.Writer.Flexible && request.Api != ApiKey.ApiVersions;
        return request.WantsResponse ? request.Writer.Written[(isFlexible ? 9 : 8)..].ToArray() : null;
    }

    private static bool IsSasl(byte[] frame) =>
        frame.Length > 1 && (ApiKey)frame[1] is ApiKey.SaslHandshake or ApiKey.SaslAuthenticate;

    public void Dispose()
    {
        Node.Close(clean: false);
        Node.Dispose();
        Directory.Delete(_folder, recursive: true);
    }
}
