using System.Net;
using System.Net.Sockets;
using System.Threading.RateLimiting;

namespace EventStream.Console.SignIn;

/// <summary>
/// Counts wrong keys: <see cref="PerAddressMax"/> a minute of one address (an IPv6 network of 64 bits counts as one).
/// A right key is not counted. There is no bound on all addresses together: with it, one client could
/// keep everybody from signing in.
/// </summary>
internal sealed class SignInLimiter : IDisposable
{
    public const int PerAddressMax = 10;

    /// <summary>Most addresses distinguished at once; more share a bound by chance.</summary>
    private const int AddressesMax = 65_536;

    private const int NetworkBytes = 8;
    private static readonly TimeSpan Window = TimeSpan.FromMinutes(1);

    private readonly PartitionedRateLimiter<int> perAddress = PartitionedRateLimiter.Create<int, int>(slot =>
        RateLimitPartition.GetFixedWindowLimiter(
            slot,
            _ => new FixedWindowRateLimiterOptions
            {
                PermitLimit = PerAddressMax,
                Window = Window,
                QueueLimit = 0,
            }
        )
    );

    /// <summary>How long this address has to wait before it may try a key; null where it need not.</summary>
    public TimeSpan? RetryAfter(IPAddress? address)
    {
        using var lease = perAddress.AttemptAcquire(Slot(address), 0);
        return lease.IsAcquired ? null
            : lease.TryGetMetadata(MetadataName.RetryAfter, out var wait) && wait > TimeSpan.Zero ? wait
            : Window;
    }

    /// <summary>Counts a wrong key.</summary>
    public void Failed(IPAddress? address) => perAddress.AttemptAcquire(Slot(address)).Dispose();

    public void Dispose() => perAddress.Dispose();

    private static int Slot(IPAddress? address)
    {
        address ??= IPAddress.None;
        if (address.IsIPv4MappedToIPv6)
            address = address.MapToIPv4();
        var bytes = address.GetAddressBytes().AsSpan();
        if (address.AddressFamily == AddressFamily.InterNetworkV6)
            bytes = bytes[..NetworkBytes];
        var hash = default(HashCode);
        hash.AddBytes(bytes);
        return (int)((uint)hash.ToHashCode() % AddressesMax);
    }
}
