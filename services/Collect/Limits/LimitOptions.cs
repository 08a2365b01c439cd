namespace EventStream.Collect.Limits;

/// <summary>
/// What clients may send a second, section <c>Collect:Limits</c>. Bytes count decompressed, with
/// <see cref="RecordBytes"/> more for each record. A client that was silent may send more at once: requests of ten
/// seconds, and bytes as said below.
/// </summary>
public sealed record LimitOptions
{
    /// <summary>What a record is counted for besides its text: its envelope on the topic, about.</summary>
    public const int RecordBytes = 512;

    /// <summary>Most records of one report.</summary>
    public const int ReportRecordsMax = 1000;

    /// <summary>Most lines of one batch of an edge's log.</summary>
    public const int LogLinesMax = 10_000;

    /// <summary>Seconds of its rate that a client may send at once, in requests.</summary>
    public const int BurstSeconds = 10;

    /// <summary>Requests of one session with proof.</summary>
    public int SessionRequests { get; init; } = 10;

    /// <summary>Bytes of one session with proof; two bodies of the largest size may come at once.</summary>
    public int SessionBytes { get; init; } = 64 * 1024;

    /// <summary>Requests without proof of one address (IPv6: one /64).</summary>
    public int AddressRequests { get; init; } = 10;

    /// <summary>Bytes without proof of one address; those of eight seconds may come at once.</summary>
    public int AddressBytes { get; init; } = 32 * 1024;

    /// <summary>Bytes without proof of all addresses together; those of eight seconds may come at once.</summary>
    public int UnprovenBytes { get; init; } = 64 * 1024;

    /// <summary>Requests without proof that are read at the same time.</summary>
    public int UnprovenAtOnce { get; init; } = 32;

    /// <summary>Requests of one edge's key.</summary>
    public int EdgeRequests { get; init; } = 50;

    /// <summary>Every value that is out of its range, in words.</summary>
    internal IEnumerable<string> Faults()
    {
        foreach (
            var (name, value, max) in ((string, int, int)[])
                [
                    (nameof(SessionRequests), SessionRequests, 100_000),
                    (nameof(SessionBytes), SessionBytes, 1 << 28),
                    (nameof(AddressRequests), AddressRequests, 100_000),
                    (nameof(AddressBytes), AddressBytes, 1 << 28),
                    (nameof(UnprovenBytes), UnprovenBytes, 1 << 28),
                    (nameof(UnprovenAtOnce), UnprovenAtOnce, 10_000),
                    (nameof(EdgeRequests), EdgeRequests, 100_000),
                ]
        )
        {
            if (value < 1 || value > max)
                yield return $"Collect:Limits:{name} must be 1 to {max}.";
        }
    }
}
