namespace EventStream.Collect;

/// <summary>
/// A coarse device class from a user agent: enough to compare cohorts, too little to identify a viewer.
/// </summary>
public static class DeviceClass
{
    /// <summary>desktop, mobile, tv, simulated or other.</summary>
    public static string Of(string? userAgent)
    {
        var ua = userAgent ?? "";
        if (ua.StartsWith("eventstream-load/", StringComparison.Ordinal))
            return "simulated";
        if (Has(ua, "TV") || Has(ua, "Tizen") || Has(ua, "Web0S") || Has(ua, "Roku"))
            return "tv";
        if (Has(ua, "Mobile") || Has(ua, "Android") || Has(ua, "iPhone") || Has(ua, "iPad"))
            return "mobile";
        return Has(ua, "Windows") || Has(ua, "Macintosh") || Has(ua, "X11") || Has(ua, "Linux") ? "desktop" : "other";
    }

    private static bool Has(string userAgent, string word) => userAgent.Contains(word, StringComparison.Ordinal);
}
