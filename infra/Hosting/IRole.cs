using EventStream.Messaging;
using Microsoft.AspNetCore.Builder;

namespace EventStream.Hosting;

/// <summary>
/// A role: one verb of <c>eventstream run</c>. Each role is a web application of its own, with its own container,
/// port and health, even where several roles share a process. Its name is the verb, such as <c>upload</c>.
/// </summary>
public interface IRole : IClientName
{
    /// <summary>What the role does, in half a sentence, for <c>--help</c>.</summary>
    string Summary { get; }

    /// <summary>
    /// Registers the role's services and checks its options; throws <see cref="RoleConfigurationException"/>.
    /// </summary>
    void Configure(WebApplicationBuilder builder);

    /// <summary>
    /// Adds what has to see a request before its route and its caller are known, such as cross-origin rules.
    /// </summary>
    void Use(WebApplication app) { }

    /// <summary>Maps the role's routes, each with a policy of <see cref="Access.Policies"/>.</summary>
    void Map(WebApplication app);
}

/// <summary>A setting is missing or wrong. The message names it and says what to put there.</summary>
public sealed class RoleConfigurationException(string role, string message) : Exception($"{role}: {message}")
{
    public string Role { get; } = role;
}
