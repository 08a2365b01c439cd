namespace EventStream.Messaging;

/// <summary>Who speaks to Kafka: client ids and the source of events carry the name. A role is one.</summary>
public interface IClientName
{
    /// <summary>In lower case, such as <c>upload</c>.</summary>
    string Name { get; }
}
