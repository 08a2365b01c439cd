using System.Net;
using System.Net.Sockets;
using EventStream.Hosting;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace EventStream.Traffic.Dns;

/// <summary>
/// A thin authoritative DNS server on UDP, beside content steering. One datagram at a time is answered from memory, so
/// that the socket's own buffer is the only queue; what overflows it is dropped, as UDP allows, and asked again by
/// the resolver.
/// </summary>
internal sealed partial class DnsServer(TrafficOptions options, DnsZone zone, ILogger<DnsServer> logger)
    : BackgroundService
{
    private readonly Socket socket = new(options.DnsEndpoint.AddressFamily, SocketType.Dgram, ProtocolType.Udp);

    /// <summary>The address that is bound.</summary>
    public IPEndPoint Endpoint => (IPEndPoint)socket.LocalEndPoint!;

    /// <summary>Throws <see cref="RoleConfigurationException"/> where the port cannot be bound.</summary>
    public override Task StartAsync(CancellationToken cancellationToken)
    {
        try
        {
            socket.Bind(options.DnsEndpoint);
        }
        catch (SocketException e)
        {
            throw new RoleConfigurationException(
                "traffic",
                $"UDP {options.DnsEndpoint} cannot be bound ({e.Message}); "
                    + "set Traffic:DnsPort, or Traffic:DnsEnabled=false."
            );
        }

        Serving(logger, options.DnsName, Endpoint.ToString());
        return base.StartAsync(cancellationToken);
    }

    public override void Dispose()
    {
        socket.Dispose();
        base.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var buffer = new byte[DnsZone.LengthMax];
        var anyone = new IPEndPoint(
            socket.AddressFamily == AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any,
            0
        );
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                var received = await socket.ReceiveFromAsync(buffer, SocketFlags.None, anyone, stoppingToken);
                if (zone.Answer(buffer.AsMemory(0, received.ReceivedBytes)) is { } answer)
                    await socket.SendToAsync(answer, SocketFlags.None, received.RemoteEndPoint, stoppingToken);
            }
            catch (SocketException e)
            {
                // A sender that is gone, or a route that is missing, concerns that one answer only.
                NotAnswered(logger, e.Message);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "DNS for {Name} at udp://{Endpoint}")]
    private static partial void Serving(ILogger logger, string name, string endpoint);

    [LoggerMessage(Level = LogLevel.Debug, Message = "A DNS query was not answered: {Reason}")]
    private static partial void NotAnswered(ILogger logger, string reason);
}
