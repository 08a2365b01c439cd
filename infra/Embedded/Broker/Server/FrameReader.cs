using System.Buffers;
using System.Buffers.Binary;
using EventStream.Embedded.Broker.Protocol;

namespace EventStream.Embedded.Broker.Server;

/// <summary>
/// Cuts the bytes of a connection into frames: four bytes of size, then a request. Small frames are read together
/// into one resident buffer; a large one gets a pooled buffer of its own, against the budget, until it is released.
/// </summary>
internal sealed class FrameReader(Transport transport, BrokerOptions options, ByteBudget budget, Deadline deadline)
    : IDisposable
{
    private const int ResidentBytes = 8 * 1024;
    private const int SizeBytes = 4;

    /// <summary>
    /// What a client that is not authenticated yet may send at once; the messages of an authentication are small.
    /// </summary>
    public const int UnauthenticatedBytesMax = 8 * 1024;

    /// <summary>A TLS record of a handshake begins with these bytes, which would make an absurd size.</summary>
    private const int TlsHandshake = 0x1603;

    private readonly byte[] _resident = ArrayPool<byte>.Shared.Rent(ResidentBytes);
    private int _start;
    private int _end;
    private byte[]? _large;

    public byte[] Buffer => _large ?? _resident;

    public int FrameStart { get; private set; }

    public int FrameLength { get; private set; }

    /// <summary>
    /// Reads the next frame; false when the client has closed the connection between two frames. Without
    /// <paramref name="isAdmitted"/> only small ones are.
    /// </summary>
    /// <exception cref="MalformedRequestException">
    /// The size is out of bounds, or the client closed within a frame or took too long for it.
    /// </exception>
    public async ValueTask<bool> ReadAsync(bool isAdmitted)
    {
        if (!await FillAsync(SizeBytes))
        {
            return false;
        }
        FrameLength = CheckSize(BinaryPrimitives.ReadInt32BigEndian(_resident.AsSpan(_start)), isAdmitted);
        _start += SizeBytes;
        if (FrameLength > ResidentBytes)
        {
            await ReadLargeAsync();
            return true;
        }
        if (!await FillAsync(FrameLength))
        {
            throw new MalformedRequestException("the client closed the connection within a request");
        }
        FrameStart = _start;
        _start += FrameLength;
        return true;
    }

    /// <summary>Gives up the frame and the memory that it took.</summary>
    public void Release()
    {
        if (_large is { } large)
        {
            _large = null;
            ArrayPool<byte>.Shared.Return(large);
            budget.Release(FrameLength);
        }
    }

    public void Dispose()
    {
        Release();
        ArrayPool<byte>.Shared.Return(_resident);
    }

    private int CheckSize(int size, bool isAdmitted)
    {
        var max = isAdmitted ? options.RequestBytesMax : UnauthenticatedBytesMax;
        if (size > 0 && size <= max)
        {
            return size;
        }
        throw new MalformedRequestException(
            size >> 16 == TlsHandshake
                ? "the client uses TLS and this listener does not; use security.protocol=PLAINTEXT"
                : $"a request of {size} bytes lies outside the range of 1 to {max}"
        );
    }

    /// <summary>
    /// Only Produce carries records; a large frame of another request is not read into memory at all.
    /// </summary>
    private void CheckLarge()
    {
        var api = (ApiKey)BinaryPrimitives.ReadInt16BigEndian(_resident.AsSpan(_start));
        if (api != ApiKey.Produce && FrameLength > options.ControlRequestBytesMax)
        {
            throw new MalformedRequestException(
                $"a request {api} of {FrameLength} bytes exceeds {options.ControlRequestBytesMax} "
                    + $"({nameof(BrokerOptions.ControlRequestBytesMax)})"
            );
        }
    }

    private async ValueTask<bool> FillAsync(int count)
    {
        if (_start == _end)
        {
            _start = _end = 0;
        }
        if (_resident.Length - _start < count)
        {
            _resident.AsSpan(_start, _end - _start).CopyTo(_resident);
            (_start, _end) = (0, _end - _start);
        }
        while (_end - _start < count)
        {
            var waitsForFrame = count == SizeBytes && _end == _start;
            var read = await deadline.RunAsync(
                transport.ReceiveAsync(_resident.AsMemory(_end), deadline.Token),
                limited: !waitsForFrame
            );
            if (read == 0)
            {
                return false;
            }
            _end += read;
        }
        return true;
    }

    private async ValueTask ReadLargeAsync()
    {
        if (!await FillAsync(sizeof(short)))
        {
            throw new MalformedRequestException("the client closed the connection within a request");
        }
        CheckLarge();
        await budget.AcquireAsync(FrameLength, deadline.Token);
        var started = options.Time.GetTimestamp();
        _large = ArrayPool<byte>.Shared.Rent(FrameLength);
        var filled = Math.Min(_end - _start, FrameLength);
        _resident.AsSpan(_start, filled).CopyTo(_large);
        _start += filled;
        FrameStart = 0;
        while (filled < FrameLength)
        {
            var rest = _large.AsMemory(filled, FrameLength - filled);
            var read = await deadline.RunAsync(transport.ReceiveAsync(rest, deadline.Token), limited: true);
            if (read == 0)
            {
                throw new MalformedRequestException("the client closed the connection within a request");
            }
            filled += read;
            if (options.Time.GetElapsedTime(started) > options.TransferTimeout)
            {
                throw new MalformedRequestException("the client took too long to send a request");
            }
        }
    }
}
