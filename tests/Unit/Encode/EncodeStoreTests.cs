using EventStream.Contracts;
using EventStream.Encode;
using static EventStream.Tests.Kit.EncodeSamples;

namespace EventStream.Unit.Tests.Encode;

/// <summary>Where the relay carries what a job's stream holds.</summary>
public sealed class EncodeStoreTests
{
    [Fact]
    public void Commands_go_to_their_lane_under_a_key_that_names_the_task() =>
        Assert.Equal(
            [
                $"encode.commands.first {Id}/probe",
                $"encode.events {Id}",
                $"encode.events {Id}",
                $"encode.commands.first {Id}/360p",
                $"encode.commands.first {Id}/audio",
                $"encode.commands {Id}/240p",
                $"encode.commands {Id}/480p",
                $"encode.commands {Id}/thumbnails",
            ],
            Planned.Select(message => EncodeStore.TargetOf(message) is { } to ? $"{to.Topic} {to.Key}" : "nowhere")
        );

    [Fact]
    public void Every_message_goes_to_a_topic_that_lists_it()
    {
        IMessage[] messages =
        [
            .. Planned,
            Resent("480p", 2),
            Failed("480p", 3, willRetry: false),
            Finished("480p"),
            new EncodeStopped(Id, "480p", false, "disk full", T0),
            new EncodeCompleted(Id, 1, T0),
        ];
        Assert.All(
            messages,
            message => Assert.Contains(message.GetType(), EncodeStore.TargetOf(message)!.Value.Topic.Messages)
        );
    }

    [Fact]
    public void Copies_of_reports_in_streams_of_the_former_store_stay_there() =>
        Assert.All(
            (IMessage[])[Uploaded, Probed, Rejected, Started("240p", 1), Encoded("240p"), Pictures],
            message => Assert.Null(EncodeStore.TargetOf(message))
        );
}
