namespace EventStream.Hosting.Access;

/// <summary>What a key may do. A key has one of these.</summary>
public enum AccessRole
{
    /// <summary>Uploads, and sees and changes its own videos.</summary>
    Publisher,

    /// <summary>Reads every video, quality of experience and the warehouse; changes nothing.</summary>
    Analyst,

    /// <summary>May do what the others may, and steers the platform: scale, edges, jobs.</summary>
    Operator,

    /// <summary>One edge: it delivers its own access log, under its name.</summary>
    Edge,

    /// <summary>Another role of this platform. It may act on behalf of a user.</summary>
    Service,
}
