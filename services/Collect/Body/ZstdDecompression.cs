using Microsoft.AspNetCore.RequestDecompression;
using ZstdSharp;
using ZstdSharp.Unsafe;

namespace EventStream.Collect.Body;

/// <summary>
/// Content-Encoding zstd (RFC 8878), which ASP.NET Core does not have. The window is at most that of RFC 9659, 8 MiB,
/// so that a small body cannot ask for much memory.
/// </summary>
internal sealed class ZstdDecompression : IDecompressionProvider
{
    private const int WindowLogMax = 23;

    public Stream GetDecompressionStream(Stream stream)
    {
        var decompression = new DecompressionStream(stream, leaveOpen: true);
        decompression.SetParameter(ZSTD_dParameter.ZSTD_d_windowLogMax, WindowLogMax);
        return decompression;
    }
}
