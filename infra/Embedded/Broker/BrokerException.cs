namespace EventStream.Embedded.Broker;

/// <summary>A broker that cannot start: the message names the subject and the remedy.</summary>
public sealed class BrokerException(string subject, string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>The cause: an option, a port or a folder.</summary>
    public string Subject { get; } = subject;
}
