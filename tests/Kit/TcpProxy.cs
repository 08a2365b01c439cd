using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace EventStream.Tests.Kit;

/// <summary>
/// A network that can be cut: passes loopback connections on to a port, and drops all of them, refuses new ones, or
/// is slow to answer, when told to.
/// </summary>
public sealed class TcpProxy : IAsyncDisposable
{
    private readonly TcpListener listener;
    private readonly ConcurrentDictionary<Socket, bool> open = new();
    private readonly ConcurrentDictionary<Socket, TimeSpan> late = new();
    private readonly CancellationTokenSource life = new();
    private readonly Task accepting;
    private readonly int target;
    private volatile bool cut;

    /// <summary>Listens where it is told to, at a free port of the loopback address unless it is.</summary>
    public TcpProxy(int target, IPEndPoint? at = null)
    {
        this.target = target;
        listener = new TcpListener(at ?? new IPEndPoint(IPAddress.Loopback, 0));
        listener.Start();
        Port = ((IPEndPoint)listener.LocalEndpoint).Port;
        accepting = AcceptAsync();
    }

    public int Port { get; }

    /// <summary>Resets every connection; new ones pass.</summary>
    public void Drop()
    {
        foreach (var socket in open.Keys)
            Reset(socket);
    }

    /// <summary>Resets every connection and refuses new ones until <see cref="Restore"/>.</summary>
    public void Cut()
    {
        cut = true;
        Drop();
    }

    public void Restore() => cut = false;

    /// <summary>From now on answers come late on the connections that are open; new ones are quick.</summary>
    public void AnswerLate(TimeSpan by)
    {
        foreach (var socket in open.Keys)
            late[socket] = by;
    }

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
                if (cut)
                    Reset(client);
                else
                    _ = PassAsync(client);
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
            await Task.WhenAny(CopyAsync(client, server, false), CopyAsync(server, client, true));
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

    private async Task CopyAsync(Socket from, Socket to, bool isAnswer)
    {
        var buffer = new byte[32 * 1024];
        var sending = Task.CompletedTask;
        try
        {
            while (true)
            {
                var read = await from.ReceiveAsync(buffer, life.Token);
                if (read == 0)
                    return;
                var by = isAnswer ? late.GetValueOrDefault(from) : default;
                sending = SendAsync(to, buffer[..read], sending, by == default ? Task.CompletedTask : Task.Delay(by));
                // One that is late is sent while the next is received: all come as late, and in their order.
                if (by == default)
                    await sending;
            }
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // The other side is told by the reset.
        }
    }

    private async Task SendAsync(Socket to, byte[] bytes, Task before, Task due)
    {
        await before;
        await due.WaitAsync(life.Token);
        for (var sent = 0; sent < bytes.Length; )
            sent += await to.SendAsync(bytes.AsMemory(sent), life.Token);
    }

    private void Reset(Socket socket)
    {
        open.TryRemove(socket, out _);
        late.TryRemove(socket, out _);
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
