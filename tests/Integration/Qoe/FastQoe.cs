namespace EventStream.Integration.Tests.Qoe;

/// <summary>
/// Settings of the role <c>qoe</c> with windows and time-outs of seconds, for tests that wait for them.
/// </summary>
internal static class FastQoe
{
    /// <summary>The settings of one instance, in an application that no other run shares state with.</summary>
    public static Dictionary<string, string?> Settings(string instance) =>
        new()
        {
            ["Qoe:ApplicationId"] = $"qoe-{Guid.NewGuid():N}",
            ["Qoe:InstanceId"] = instance,
            ["Qoe:SessionTimeoutSeconds"] = "4",
            ["Qoe:SessionLogSeconds"] = "1",
            ["Qoe:WindowSeconds"] = "2",
            ["Qoe:WindowGraceSeconds"] = "1",
            ["Qoe:LoadStepSeconds"] = "1",
            ["Qoe:LoadGraceSeconds"] = "6",
            ["Qoe:IdleAdvanceSeconds"] = "1",
        };
}
