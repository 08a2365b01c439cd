using Microsoft.AspNetCore.Builder;

namespace EventStream.Messaging.Hosting;

/// <summary>
/// A role: one verb of <c>eventstream run</c>. Each role is a web application of its own, with its own container,
/// port and health, even where several roles share a process.
/// </summary>
public interface IRole
{
    /// <summary>The verb, in lower case, such as <c>upload</c>.</summary>
    string Name { get; }

    /// <summary>What the role does, in half a sentence, for <c>--help</c>.</summary>
    string Summary { get; }

    /// <summary>The port it listens on at loopback unless told otherwise; 0 takes any free one.</summary>
    int DefaultPort { get; }

    /// <summary>
    /// Registers the role's services and checks its options; throws <see cref="RoleConfigurationException"/>.
    /// </summary>
    void Configure(WebApplicationBuilder builder);

    /// <summary>Maps the role's routes.</summary>
    void Map(WebApplication app);
}

/// <summary>A setting is missing or wrong. The message names it and says what to put there.</summary>
public sealed class RoleConfigurationException(string role, string message) : Exception($"{role}: {message}")
{
    public string Role { get; } = role;
}
