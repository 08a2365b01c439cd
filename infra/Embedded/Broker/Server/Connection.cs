using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using EventStream.Embedded.Broker.Apis;
using EventStream.Embedded.Broker.Protocol;
using EventStream.Embedded.Broker.Security;

namespace EventStream.Embedded.Broker.Server;

/// <summary>
/// One client. Requests are answered one after the other, in order, as the protocol demands; the next one is read
/// only when the answer has gone out, so that a slow client holds one request and one response and no more.
/// </summary>
internal sealed class Connection : IDisposable
{
    private const int ResponseBytesKept = 16 * 1024;
    private readonly Socket _socket;
    private readonly BrokerNode _node;
    private readonly Deadline _deadline;
    private readonly Transport _transport;
    private readonly FrameReader _frames;
    private readonly Request _request;
    private readonly string _peer;
    private bool _isSecured;

    public Connection(Socket socket, BrokerNode node, CancellationToken stopping)
    {
        _socket = socket;
        _node = node;
        var end = socket.RemoteEndPoint as IPEndPoint;
        Address = end?.Address ?? IPAddress.None;
        _peer = end?.ToString() ?? "unknown";
        _deadline = new Deadline(node.Options.TransferTimeout, stopping);
        _transport = new Transport(socket);
        _frames = new FrameReader(_transport, node.Options, node.Budget, _deadline);
        _request = new Request
        {
            ClientHost = "/" + Address,
            Cancellation = _deadline.Token,
            Sasl = node.Options.Security.UsesSasl
                ? new SaslSession(node.Options.Security, node.Users, node.Options.Time)
                : null,
        };
        _request.Writer.BytesMax = node.Options.ResponseBytesMax;
    }

    public IPAddress Address { get; }

    private bool IsAdmitted => _request.Sasl is null or { IsAuthenticated: true };

    /// <summary>Serves the client until it leaves, breaks the protocol or the broker stops.</summary>
    public async Task RunAsync()
    {
        try
        {
            if (_node.Tls is null && IsAdmitted)
            {
                await ServeAsync();
                return;
            }
            await using var limit = LimitAuthentication();
            if (_node.Tls is { } tls)
            {
                await _transport.SecureAsync(tls, _deadline.Token);
                _isSecured = true;
            }
            await ServeAsync();
        }
        catch (MalformedRequestException e)
        {
            _node.Counters.CountGarbage();
            BrokerLog.ConnectionRefused(_node.Logger, _peer, e.Message);
        }
        catch (AuthenticationException e)
        {
            _node.Counters.CountAuthenticationFailed();
            BrokerLog.ConnectionRefused(_node.Logger, _peer, "the TLS handshake failed: " + e.Message);
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // The client went away, was too slow or the broker stops: nothing remains to be said to it.
        }
        catch (IOException) when (_node.Tls is not null)
        {
            // The same, as it shows through TLS.
        }
        catch (Exception e)
        {
            BrokerLog.RequestFailed(_node.Logger, e, _request.Api.ToString(), _peer);
        }
    }

    public void Close() => _socket.Dispose();

    public void Dispose()
    {
        _node.Budget.Release(_request.BudgetTaken);
        _frames.Dispose();
        _request.Dispose();
        _deadline.Dispose();
        _transport.Dispose();
    }

    private async Task ServeAsync()
    {
        while (!_request.ClosesConnection && await _frames.ReadAsync(IsAdmitted))
        {
            _request.Reader.Reset(_frames.Buffer, _frames.FrameStart, _frames.FrameLength);
            var started = _node.Counters.StartRequest();
            await (
                _request.Sasl is { ExpectsRawToken: true }
                    ? SaslAuthenticateApi.HandleRawAsync(_node, _request)
                    : ApiTable.HandleAsync(_node, _request)
            );
            _node.Counters.CountRequest(_request.Api, started);
            _frames.Release();
            await SendAsync();
        }
    }

    /// <summary>Hangs up on a client that is not let in by the time; one that is may stay.</summary>
    private ITimer LimitAuthentication()
    {
        var limit = _node.Options.Security.AuthenticationTimeout;
        return _node.Options.Time.CreateTimer(_ => OnAuthenticationTimeout(), null, limit, Timeout.InfiniteTimeSpan);
    }

    private void OnAuthenticationTimeout()
    {
        if (!IsAdmitted || (_node.Tls is not null && !_isSecured))
        {
            _node.Counters.CountAuthenticationFailed();
            BrokerLog.ConnectionRefused(_node.Logger, _peer, "it did not finish the authentication in time");
            Close();
        }
    }

    private async ValueTask SendAsync()
    {
        var response = _request.Writer;
        if (_request.WantsResponse)
        {
            // Responses other than fetches are made first and counted then: they cannot be made smaller.
            var counted = Math.Max(response.Length - ResponseBytesKept - (int)_request.BudgetTaken, 0);
            _request.BudgetTaken += _node.Budget.Take(counted, atLeast: counted);
            response.End();
            for (var sent = 0; sent < response.Length; )
            {
                var send = _transport.SendAsync(response.Written[sent..], _deadline.Token);
                sent += await _deadline.RunAsync(send, limited: true);
            }
        }
        response.Shrink(ResponseBytesKept);
        _node.Budget.Release(_request.BudgetTaken);
        _request.BudgetTaken = 0;
    }
}
