using System.Net;
using System.Net.Sockets;

namespace EventStream.Processes;

/// <summary>The TCP ports of this machine, looked at before a program gets one to listen on.</summary>
public static class TcpPorts
{
    /// <summary>Why no program can listen there, or null where one can.</summary>
    public static SocketException? Refusal(IPAddress address, int port)
    {
        try
        {
            using var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
            socket.Bind(new IPEndPoint(address, port));
            socket.Listen();
            return null;
        }
        catch (SocketException e)
        {
            return e;
        }
    }

    /// <summary>A loopback port that was free a moment ago.</summary>
    public static int Free()
    {
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        return ((IPEndPoint)probe.LocalEndpoint).Port;
    }
}
