using EventStream.Messaging.Kafka;

namespace EventStream.Playback.Catalogue;

/// <summary>Whether the catalogue has taken in what was on the topic when the role started.</summary>
internal sealed class CatalogueRebuild(Func<EventConsumer> consumer)
{
    private readonly Lazy<EventConsumer> reader = new(consumer);

    public bool IsComplete => reader.Value.CaughtUp.IsCompleted;
}
