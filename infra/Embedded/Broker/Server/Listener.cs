using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace EventStream.Embedded.Broker.Server;

/// <summary>Accepts clients, as many as the bound allows, and knows those that are served.</summary>
internal sealed class Listener : IAsyncDisposable
{
    private const int Backlog = 512;
    private static readonly TimeSpan AcceptRetryDelay = TimeSpan.FromMilliseconds(100);
    private readonly Socket _socket;
    private readonly BrokerNode _node;
    private readonly CancellationTokenSource _stopping = new();
    private readonly ConcurrentDictionary<Connection, Task> _connections = new();
    private Task _accepting = Task.CompletedTask;

    public Listener(BrokerNode node)
    {
        _node = node;
        _socket = Bind(node.Options);
        Port = ((IPEndPoint)_socket.LocalEndPoint!).Port;
    }

    public int Port { get; }

    public int Connections => _connections.Count;

    public void Start() => _accepting = AcceptAsync();

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        _socket.Dispose();
        await _accepting;
        foreach (var connection in _connections.Keys)
        {
            connection.Close();
        }
        await Task.WhenAll(_connections.Values);
        _stopping.Dispose();
    }

    private static Socket Bind(BrokerOptions options)
    {
        var socket = new Socket(options.Address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Bind(new IPEndPoint(options.Address, options.Port));
            socket.Listen(Backlog);
            return socket;
        }
        catch (SocketException e)
        {
            socket.Dispose();
            throw new BrokerException(
                $"{options.Address}:{options.Port}",
                $"The broker cannot listen on {options.Address} port {options.Port} ({e.SocketErrorCode}). "
                    + "Stop the program that uses the port, or choose another one, 0 for any that is free.",
                e
            );
        }
    }

    private async Task AcceptAsync()
    {
        while (!_stopping.IsCancellationRequested)
        {
            try
            {
                Serve(await _socket.AcceptAsync(_stopping.Token));
            }
            catch (SocketException) when (!_stopping.IsCancellationRequested)
            {
                // The process is out of file handles, or the client left already: others are still to be served.
                await Task.Delay(AcceptRetryDelay, _node.Options.Time, CancellationToken.None);
            }
            catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                return;
            }
        }
    }

    private void Serve(Socket client)
    {
        if (WhyFull(client) is { } reason)
        {
            _node.Counters.CountRefused();
            BrokerLog.ConnectionRefused(_node.Logger, client.RemoteEndPoint?.ToString() ?? "unknown", reason);
            client.Dispose();
            return;
        }
        client.NoDelay = true;
        client.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
        var connection = new Connection(client, _node, _stopping.Token);
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _connections[connection] = started.Task;
        _ = RunAsync(connection, started);
    }

    private string? WhyFull(Socket client)
    {
        var options = _node.Options;
        if (_connections.Count >= options.ConnectionsMax)
        {
            return $"{options.ConnectionsMax} connections ({nameof(BrokerOptions.ConnectionsMax)}) are open";
        }
        if (_connections.Count < options.ConnectionsPerAddressMax)
        {
            return null;
        }
        var address = (client.RemoteEndPoint as IPEndPoint)?.Address;
        return _connections.Keys.Count(c => c.Address.Equals(address)) < options.ConnectionsPerAddressMax
            ? null
            : $"{options.ConnectionsPerAddressMax} connections of its address "
                + $"({nameof(BrokerOptions.ConnectionsPerAddressMax)}) are open";
    }

    private async Task RunAsync(Connection connection, TaskCompletionSource ended)
    {
        await Task.Yield();
        try
        {
            await connection.RunAsync();
        }
        finally
        {
            _connections.TryRemove(connection, out _);
            connection.Dispose();
            ended.SetResult();
        }
    }
}
