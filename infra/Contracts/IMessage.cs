namespace EventStream.Contracts;

/// <summary>Anything that travels on a topic: an event (past tense) or a command (imperative).</summary>
public interface IMessage;

/// <summary>Something that happened. It is never changed and never taken back; its wire name is frozen.</summary>
public interface IEvent : IMessage;

/// <summary>Something that happened to one video.</summary>
public interface IVideoEvent : IEvent
{
    VideoId VideoId { get; }
}

/// <summary>Something that one worker is asked to do. It may be delivered more than once.</summary>
public interface ICommand : IMessage;

/// <summary>
/// The frozen wire name of a message, such as <c>video.uploaded.v1</c>. Classes may be renamed, history may not.
/// It is the CloudEvents <c>type</c> attribute on Kafka and the type column of the event store.
/// </summary>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
public sealed class WireNameAttribute(string name) : Attribute
{
    public string Name { get; } = name;
}
