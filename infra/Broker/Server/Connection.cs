using System.Net;
using System.Net.Sockets;
using EventStream.Broker.Apis;
using EventStream.Broker.Protocol;

namespace EventStream.Broker.Server;

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
    private readonly FrameReader _frames;
    private readonly Request _request;
    private readonly string _peer;

    public Connection(Socket socket, BrokerNode node, CancellationToken stopping)
    {
        _socket = socket;
        _node = node;
        _peer = (socket.RemoteEndPoint as IPEndPoint)?.ToString() ?? "unknown";
        _deadline = new Deadline(node.Options.TransferTimeout, stopping);
        _frames = new FrameReader(socket, node.Options.RequestBytesMax, node.Budget, _deadline);
        var host = (socket.RemoteEndPoint as IPEndPoint)?.Address.ToString() ?? "unknown";
        _request = new Request { ClientHost = "/" + host, Cancellation = _deadline.Token };
    }

    /// <summary>Serves the client until it leaves, breaks the protocol or the broker stops.</summary>
    public async Task RunAsync()
    {
        try
        {
            while (await _frames.ReadAsync())
            {
                _request.Reader.Reset(_frames.Buffer, _frames.FrameStart, _frames.FrameLength);
                var started = _node.Counters.StartRequest();
                await ApiTable.HandleAsync(_node, _request);
                _node.Counters.CountRequest(_request.Api, started, _frames.FrameLength);
                _frames.Release();
                await SendAsync();
            }
        }
        catch (MalformedRequestException e)
        {
            _node.Counters.CountGarbage();
            BrokerLog.ConnectionRefused(_node.Logger, _peer, e.Message);
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // The client went away, was too slow or the broker stops: nothing remains to be said to it.
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
        _socket.Dispose();
    }

    private async ValueTask SendAsync()
    {
        var response = _request.Writer;
        if (_request.WantsResponse)
        {
            response.End();
            for (var sent = 0; sent < response.Length;)
            {
                var send = _socket.SendAsync(response.Written[sent..], _deadline.Token);
                sent += await _deadline.RunAsync(send, limited: true);
            }
            _node.Counters.CountSent(_request.Api, response.Length);
        }
        response.Shrink(ResponseBytesKept);
        _node.Budget.Release(_request.BudgetTaken);
        _request.BudgetTaken = 0;
    }
}
