using System.Diagnostics.Metrics;
using System.Net;
using System.Threading.RateLimiting;
using EventStream.Hosting;
using EventStream.Messaging;

namespace EventStream.Playback.Sessions;

/// <summary>
/// How many sessions one client address may open. A whole /64 of IPv6 is one address, since one customer has it. The
/// address is the one that trusted proxies forward; loopback has the same bound as any.
/// </summary>
internal sealed class SessionLimits : IDisposable
{
    /// <summary>
    /// Most addresses distinguished at once; more share bounds by chance. A bound takes a few hundred bytes.
    /// </summary>
    public const int AddressesMax = 65_536;

    private static readonly Counter<long> Refused = Telemetry.Meter.CreateCounter<long>(
        "eventstream.playback.sessions_refused",
        description: "Sessions refused: their address opened too many."
    );

    private readonly PartitionedRateLimiter<IPAddress> limiter;

    public SessionLimits(PlaybackOptions options)
    {
        var perSecond = Math.Max(1, options.SessionsPerMinute / 60);
        var bound = new TokenBucketRateLimiterOptions
        {
            TokenLimit = options.SessionsBurst,
            TokensPerPeriod = perSecond,
            ReplenishmentPeriod = TimeSpan.FromMinutes(1) * perSecond / options.SessionsPerMinute,
            QueueLimit = 0,
        };
        // A bound that has filled up again is forgotten: it is as good as a new one.
        limiter = PartitionedRateLimiter.Create<IPAddress, int>(address =>
            RateLimitPartition.GetTokenBucketLimiter(ClientAddress.Slot(address, AddressesMax), _ => bound)
        );
    }

    /// <summary>Null where the address may open a session now, else the time after which it may again.</summary>
    public TimeSpan? Refuse(IPAddress? address)
    {
        using var lease = limiter.AttemptAcquire(address ?? IPAddress.None);
        if (lease.IsAcquired)
            return null;
        Refused.Add(1);
        return lease.TryGetMetadata(MetadataName.RetryAfter, out var wait) ? wait : TimeSpan.FromSeconds(1);
    }

    public void Dispose() => limiter.Dispose();
}
