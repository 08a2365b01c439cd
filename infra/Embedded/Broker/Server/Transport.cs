using System.Net.Security;
using System.Net.Sockets;

namespace EventStream.Embedded.Broker.Server;

/// <summary>The bytes of one connection, in plain text until <see cref="SecureAsync"/> has put TLS over them.</summary>
internal sealed class Transport(Socket socket) : IDisposable
{
    private SslStream? _tls;

    /// <summary>Does the broker's part of the TLS handshake.</summary>
    /// <exception cref="System.Security.Authentication.AuthenticationException">
    /// The client uses no TLS, none of these versions, or has no certificate that is trusted.
    /// </exception>
    /// <exception cref="IOException">The client hung up.</exception>
    public async Task SecureAsync(SslServerAuthenticationOptions settings, CancellationToken cancellation)
    {
        _tls = new SslStream(new NetworkStream(socket, ownsSocket: false));
        await _tls.AuthenticateAsServerAsync(settings, cancellation);
    }

    /// <summary>Receives what is there, at least a byte; 0 when the client has closed.</summary>
    public ValueTask<int> ReceiveAsync(Memory<byte> into, CancellationToken cancellation) =>
        _tls is null ? socket.ReceiveAsync(into, cancellation) : _tls.ReadAsync(into, cancellation);

    /// <summary>Sends some of the bytes and says how many.</summary>
    public ValueTask<int> SendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellation) =>
        _tls is null ? socket.SendAsync(bytes, cancellation) : SendAsync(_tls, bytes, cancellation);

    public void Dispose()
    {
        _tls?.Dispose();
        socket.Dispose();
    }

    private static async ValueTask<int> SendAsync(
        SslStream tls,
        ReadOnlyMemory<byte> bytes,
        CancellationToken cancellation
    )
    {
        await tls.WriteAsync(bytes, cancellation);
        return bytes.Length;
    }
}
