namespace EventStream.Contracts;

/// <summary>
/// Marks text of an event that is about a person. The event store keeps it encrypted under a key of that person, so
/// that destroying the key erases it from history; on topics it travels as it is, where retention bounds it.
/// </summary>
/// <param name="subject">
/// The member of the same event that says who the person is; without it the text itself does, as the name of a
/// publisher.
/// </param>
[AttributeUsage(AttributeTargets.Property)]
public sealed class PersonalDataAttribute(string? subject = null) : Attribute
{
    /// <summary>What is read where the person was erased.</summary>
    public const string Erased = "(erased)";

    public string? Subject { get; } = subject;
}
