using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace EventStream.Tests.Kit;

/// <summary>
/// A network that can be cut: passes loopback connections on to a port, and drops all of them, or refuses new ones,
/// when told to.
/// </summary>
public sealed class TcpProxy : IAsyncDisposable
{
    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly ConcurrentDictionary<Socket, bool> open = new();
    private readonly CancellationTokenSource life = new();
    private readonly Task accepting;
    private readonly int target;
    private volatile bool cut;

    public TcpProxy(int target)
    {
        this.target = target;
        listener.Start();
        Port = ((IPEndPoint)listener.LocalEndpoint).Port;
        accepting = AcceptAsync();
    }

    public int Port { get; }

    /// <summary>Resets every connection; new ones pass.</summary>
    public void Drop()
    {
        foreach (var socket in open.Keys) Reset(socket);
    }

    /// <summary>Resets every connection and refuses new ones until <see cref="Restore"/>.</summary>
    public void Cut()
    {
        cut = true;
        Drop();
    }

    public void Restore() => cut = false;

    public async ValueTask DisposeAsync()
    {
        await life.CancelAsync();
        listener.Stop();
        Drop();
        await accepting;
        life.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var client = await listener.AcceptSocketAsync(life.Token);
                if (cut) Reset(client);
                else _ = PassAsync(client);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The proxy is done.
        }
    }

    private async Task PassAsync(Socket client)
    {
        var server = new Socket(SocketType.Stream, ProtocolType.Tcp);
        open.TryAdd(client, true);
        open.TryAdd(server, true);
        try
        {
            client.NoDelay = server.NoDelay = true;
            await server.ConnectAsync(new IPEndPoint(IPAddress.Loopback, target), life.Token);
            await Task.WhenAny(CopyAsync(client, server), CopyAsync(server, client));
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // Whatever ends one side ends the other.
        }
        finally
        {
            Reset(client);
            Reset(server);
        }
    }

    private async Task CopyAsync(Socket from, Socket to)
    {
        var buffer = new byte[32 * 1024];
        try
        {
            while (true)
            {
                var read = await from.ReceiveAsync(buffer, life.Token);
                if (read == 0) return;
                for (var sent = 0; sent < read;) sent += await to.SendAsync(buffer.AsMemory(sent, read - sent),
                    life.Token);
            }
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // The other side is told by the reset.
        }
    }

    private void Reset(Socket socket)
    {
        open.TryRemove(socket, out _);
        try
        {
            socket.LingerState = new LingerOption(true, 0);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // It is closed already.
        }

        socket.Dispose();
    }
}
