using System.Net;
using System.Net.Sockets;
using System.Threading.RateLimiting;

namespace EventStream.Console.Web.SignIn;

/// <summary>
/// Counts wrong keys: <see cref="PerAddressMax"/> a minute of one address (an IPv6 network of 64 bits counts as one)
/// and <see cref="TotalMax"/> of all. Whoever enters the right key is not counted.
/// </summary>
internal sealed class SignInLimiter : IDisposable
{
    public const int PerAddressMax = 10;
    public const int TotalMax = 600;

    private const int NetworkBytes = 8;
    private static readonly TimeSpan Window = TimeSpan.FromMinutes(1);

    private readonly PartitionedRateLimiter<string> perAddress = PartitionedRateLimiter.Create<string, string>(
        address => RateLimitPartition.GetFixedWindowLimiter(address, _ => Limit(PerAddressMax)));

    private readonly FixedWindowRateLimiter all = new(Limit(TotalMax));

    /// <summary>How long this address has to wait before it may try a key; null where it need not.</summary>
    public TimeSpan? RetryAfter(IPAddress? address)
    {
        using var own = perAddress.AttemptAcquire(Part(address), 0);
        using var total = all.AttemptAcquire(0);
        return own.IsAcquired && total.IsAcquired ? null
            : own.TryGetMetadata(MetadataName.RetryAfter, out var wait) && wait > TimeSpan.Zero ? wait : Window;
    }

    /// <summary>Counts a wrong key.</summary>
    public void Failed(IPAddress? address)
    {
        perAddress.AttemptAcquire(Part(address)).Dispose();
        all.AttemptAcquire().Dispose();
    }

    public void Dispose()
    {
        perAddress.Dispose();
        all.Dispose();
    }

    private static FixedWindowRateLimiterOptions Limit(int permits) =>
        new() { PermitLimit = permits, Window = Window, QueueLimit = 0 };

    private static string Part(IPAddress? address) => address switch
    {
        null => "",
        { IsIPv4MappedToIPv6: true } => address.MapToIPv4().ToString(),
        { AddressFamily: AddressFamily.InterNetworkV6 } =>
            Convert.ToHexString(address.GetAddressBytes().AsSpan(0, NetworkBytes)),
        _ => address.ToString(),
    };
}
