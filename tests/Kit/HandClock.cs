namespace EventStream.Tests.Kit;

/// <summary>A clock that is turned by hand.</summary>
public sealed class HandClock : TimeProvider
{
    private DateTimeOffset now = DateTimeOffset.FromUnixTimeMilliseconds(1_000_000);

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override DateTimeOffset GetUtcNow() => now;

    public override long GetTimestamp() => now.Ticks;

    public void Turn(TimeSpan by) => now += by;
}
