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
                $"encode.events {Id}",
                $"encode.commands {Id}/rungs",
                $"encode.commands {Id}/thumbnails",
            ],
            Begun.Select(message => EncodeStore.TargetOf(message) is { } to ? $"{to.Topic} {to.Key}" : "nowhere")
        );

    [Fact]
    public void A_further_attempt_has_another_key() =>
        Assert.Equal($"{Id}/rungs/2", EncodeStore.TargetOf(Rungs(attempt: 2))!.Value.Key);

    [Fact]
    public void Every_message_goes_to_a_topic_that_lists_it()
    {
        IMessage[] messages =
        [
            .. Begun,
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
