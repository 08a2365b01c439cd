using EventStream.Contracts;
using EventStream.Encode.Planner;
using EventStream.EventStore;
using EventStream.EventStore.Relay;
using JasperFx.Events.Projections;

namespace EventStream.Encode;

/// <summary>
/// What the encode service keeps: jobs, the queue that <c>/v1/jobs</c> shows, and the heartbeats of running tasks. All
/// that a job's stream holds is relayed, commands to their lane and facts to <c>encode.events</c>.
/// </summary>
public static class EncodeStore
{
    public static readonly ServiceStore Service = new(
        "encode",
        store =>
        {
            store.Aggregate<EncodeJob, VideoId>();
            store.Projections.Add(new JobQueueProjection(), ProjectionLifecycle.Async);
            store
                .Schema.For<QueuedJob>()
                .Duplicate(job => job.Phase)
                .Duplicate(job => job.OpenedAt)
                .Duplicate(job => job.WaitingSince)
                .Duplicate(job => job.ArrivedAt);
        }
    )
    {
        Relay = new RelayRoutes(
            [Topics.EncodeEvents, Topics.EncodeCommandsFirst, Topics.EncodeCommands],
            e => TargetOf((IMessage)e.Data)
        ),
        // The planner before Marten published by ids of its own.
        RelaysImports = false,
        Sql = (typeof(EncodeStore).Assembly, "Encode.Sql"),
    };

    /// <summary>The topic and key of a message of a job.</summary>
    public static RelayTarget? TargetOf(IMessage message) =>
        message switch
        {
            ICommand command => CommandTarget(command),
            EncodePlanned e => Fact(e.VideoId),
            EncodeLadderChosen e => Fact(e.VideoId),
            EncodeTaskResent e => Fact(e.VideoId),
            EncodeTaskFinished e => Fact(e.VideoId),
            EncodeTaskFailed e => Fact(e.VideoId),
            EncodeStopped e => Fact(e.VideoId),
            EncodeCompleted e => Fact(e.VideoId),
            _ => null,
        };

    /// <summary>
    /// The key names the task, so that the tasks of one video spread over partitions and workers. It names a further
    /// attempt too: what a worker's machine made fail goes to another partition, which most likely another worker has.
    /// </summary>
    private static RelayTarget CommandTarget(ICommand command)
    {
        var topic = EncodeTasks.IsFirstLane(command) ? Topics.EncodeCommandsFirst : Topics.EncodeCommands;
        var (key, attempt) = (EncodeTasks.CommandKey(command), EncodeTasks.Of(command).Attempt);
        return new RelayTarget(topic, attempt > 1 ? $"{key}/{attempt}" : key);
    }

    private static RelayTarget Fact(VideoId video) => new(Topics.EncodeEvents, video.ToString());
}
