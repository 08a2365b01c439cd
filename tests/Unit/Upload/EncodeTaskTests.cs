using EventStream.Upload.Library;

namespace EventStream.Unit.Tests.Upload;

/// <summary>What the publisher sees of the tasks of a long video.</summary>
public sealed class EncodeTaskTests
{
    private static readonly DateTimeOffset T0 = new(2026, 11, 22, 12, 0, 0, TimeSpan.Zero);

    private static EncodeTask Of(string name, string state, double fraction, double? speed = null) =>
        new(name, state, fraction, speed, null, 1, null, T0);

    [Fact]
    public void Chunks_are_one_task_with_their_number()
    {
        var seen = EncodeTask.Joined([
            Of("360p", EncodeTask.Queued, 0),
            Of("360p.1", EncodeTask.Done, 1),
            Of("360p.2", EncodeTask.Running, 0.5, 20) with
            {
                UpdatedAt = T0.AddSeconds(5),
            },
            Of("360p.3", EncodeTask.Running, 0, 10),
            Of("audio", EncodeTask.Done, 1),
        ]);
        Assert.Equal(["360p", "audio"], seen.Select(task => task.Task));
        var rung = seen[0];
        Assert.Equal((EncodeTask.Running, 0.5, 30), (rung.State, rung.Fraction, rung.Speed));
        Assert.Equal((new EncodeChunks(1, 3), T0.AddSeconds(5)), (rung.Chunks, rung.UpdatedAt));
        Assert.Null(seen[1].Chunks);
    }

    [Fact]
    public void A_chunk_that_failed_is_said_of_its_rung()
    {
        var failed = Of("rungs.2", EncodeTask.Retrying, 0) with { Cause = "No." };
        var seen = EncodeTask.Joined([Of("rungs", EncodeTask.Queued, 0), Of("rungs.1", EncodeTask.Done, 1), failed]);
        Assert.Equal((EncodeTask.Retrying, "No."), (seen.Single().State, seen.Single().Cause));
        var done = EncodeTask.Joined([Of("rungs", EncodeTask.Done, 1), Of("rungs.1", EncodeTask.Done, 1)]).Single();
        Assert.Equal((EncodeTask.Done, 1, new EncodeChunks(1, 1)), (done.State, done.Fraction, done.Chunks));
    }
}
