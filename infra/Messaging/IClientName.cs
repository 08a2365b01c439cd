namespace EventStream.Messaging;

/// <summary>This client of Kafka: client ids and the source of events carry its name. A role is one.</summary>
public interface IClientName
{
    /// <summary>In lower case, such as <c>upload</c>.</summary>
    string Name { get; }
}
