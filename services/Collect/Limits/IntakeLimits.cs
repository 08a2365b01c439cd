using System.Globalization;
using System.Threading.RateLimiting;
using EventStream.Collect.Cmcd;
using EventStream.Hosting;
using EventStream.Hosting.Access;
using EventStream.Tokens;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.RateLimiting;

namespace EventStream.Collect.Limits;

/// <summary>
/// Who may send how much. A session with proof has limits of its own, whatever its address: many viewers share one.
/// What comes without proof shares the small limits of its address and of all such clients, so that a stranger cannot
/// fill topics, whatever names the records carry. An edge has the limit of its key.
/// </summary>
internal sealed class IntakeLimits : IAsyncDisposable
{
    /// <summary>Policies of the routes.</summary>
    public const string Reports = "reports",
        Logs = "logs";

    /// <summary>
    /// Addresses share this many limits by their hash, which bounds the memory of a flood from many addresses.
    /// </summary>
    private const int AddressSlots = 16_384;

    private const int BytesBurstSeconds = 8;
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);
    private readonly LimitOptions limits;
    private readonly BeaconProof proof;
    private readonly TimeProvider clock;
    private readonly PartitionedRateLimiter<string> sessions;
    private readonly PartitionedRateLimiter<int> addresses;
    private readonly TokenBucketRateLimiter unproven;
    private readonly int sessionBurst;

    public IntakeLimits(CollectOptions options, BeaconProof proof, TimeProvider clock)
    {
        (limits, this.proof, this.clock) = (options.Limits, proof, clock);
        sessionBurst = 2 * Math.Max(options.BodyBytesMax, limits.SessionBytes);
        sessions = PartitionedRateLimiter.Create<string, string>(
            session =>
                RateLimitPartition.GetTokenBucketLimiter(session, _ => Bucket(limits.SessionBytes, sessionBurst)),
            StringComparer.Ordinal
        );
        addresses = PartitionedRateLimiter.Create<int, int>(slot =>
            RateLimitPartition.GetTokenBucketLimiter(
                slot,
                _ => Bucket(limits.AddressBytes, limits.AddressBytes * BytesBurstSeconds)
            )
        );
        var all = Bucket(limits.UnprovenBytes, limits.UnprovenBytes * BytesBurstSeconds);
        all.AutoReplenishment = true;
        unproven = new TokenBucketRateLimiter(all);
    }

    /// <summary>Sets up the limits of requests, which are asked before a body is read.</summary>
    public void Configure(RateLimiterOptions options)
    {
        options.RejectionStatusCode = StatusCodes.Status429TooManyRequests;
        options.OnRejected = async (context, _) =>
            await TooMany(context.HttpContext, context.Lease).ExecuteAsync(context.HttpContext);
        options.AddPolicy(
            Reports,
            http =>
                Context(http).ProvenSession is { } session
                    ? Requests($"session {session}", limits.SessionRequests)
                    : Requests($"address {SlotOf(http)}", limits.AddressRequests)
        );
        options.AddPolicy(Logs, http => Requests($"edge {http.Caller()?.Name}", limits.EdgeRequests));
        options.GlobalLimiter = PartitionedRateLimiter.Create<HttpContext, string>(http =>
            http.Request.Path.StartsWithSegments("/v1/cmcd") && Context(http).ProvenSession is null
                ? RateLimitPartition.GetConcurrencyLimiter(
                    "unproven",
                    _ => new ConcurrencyLimiterOptions { PermitLimit = limits.UnprovenAtOnce, QueueLimit = 0 }
                )
                : RateLimitPartition.GetNoLimiter("others")
        );
    }

    /// <summary>
    /// Takes what a report costs from the limits, or returns the answer that refuses it. <paramref name="cost"/> is of
    /// all its records, <paramref name="unprovenCost"/> of those that are not the proven session's.
    /// </summary>
    public IResult? Take(HttpContext http, long cost, long unprovenCost)
    {
        if (Context(http).ProvenSession is { } session)
        {
            using var own = sessions.AttemptAcquire(session, Permits(cost, sessionBurst));
            if (!own.IsAcquired)
                return TooMany(http, own);
        }

        if (unprovenCost == 0)
            return null;
        using var address = addresses.AttemptAcquire(
            SlotOf(http),
            Permits(unprovenCost, limits.AddressBytes * BytesBurstSeconds)
        );
        if (!address.IsAcquired)
            return TooMany(http, address);
        using var all = unproven.AttemptAcquire(Permits(unprovenCost, limits.UnprovenBytes * BytesBurstSeconds));
        return all.IsAcquired ? null : TooMany(http, all);
    }

    public async ValueTask DisposeAsync()
    {
        await sessions.DisposeAsync();
        await addresses.DisposeAsync();
        await unproven.DisposeAsync();
    }

    /// <summary>What the limits count of one record.</summary>
    public static long CostOf(string line) => line.Length + LimitOptions.RecordBytes;

    private BeaconContext Context(HttpContext http) => BeaconContext.Of(http, proof, clock);

    /// <summary>A whole bucket is the most that can be asked of it; a larger body waits for a full one.</summary>
    private static int Permits(long cost, int burst) => (int)Math.Min(cost, burst);

    private static RateLimitPartition<string> Requests(string key, int perSecond) =>
        RateLimitPartition.GetTokenBucketLimiter(key, _ => Bucket(perSecond, perSecond * LimitOptions.BurstSeconds));

    private static TokenBucketRateLimiterOptions Bucket(int perSecond, int burst) =>
        new()
        {
            TokensPerPeriod = perSecond,
            TokenLimit = burst,
            ReplenishmentPeriod = Second,
            QueueLimit = 0,
            AutoReplenishment = false,
        };

    private static int SlotOf(HttpContext http) => ClientAddress.Slot(http.Connection.RemoteIpAddress, AddressSlots);

    private static IResult TooMany(HttpContext http, RateLimitLease lease)
    {
        var wait = lease.TryGetMetadata(MetadataName.RetryAfter, out var after) ? after : Second;
        var seconds = Math.Clamp((int)Math.Ceiling(wait.TotalSeconds), 1, 60);
        http.Response.Headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
        return Results.Problem(
            statusCode: StatusCodes.Status429TooManyRequests,
            title: "Too much at once",
            detail: $"Nothing of this body is stored. Send it again in {seconds} s. Post the reports of a session to "
                + "its beaconsUrl, unchanged: there the limits of the session hold, not those of the address."
        );
    }
}
