using EventStream.Hosting.Access;
using Microsoft.AspNetCore.Http;

namespace EventStream.Upload;

/// <summary>
/// Whose videos a caller reaches: a publisher its own, by the name of its key; operators, analysts and other roles of
/// the platform those of everybody, as far as the route's policy lets them in.
/// </summary>
internal static class Ownership
{
    /// <summary>The one publisher whose videos the caller sees, or null where it sees all.</summary>
    public static string? Of(HttpContext context) =>
        context.Caller() switch
        {
            { Role: AccessRole.Operator or AccessRole.Analyst or AccessRole.Service } => null,
            { } caller => caller.Name,
            // No publisher has this name, so that a route without a policy would show nothing.
            null => "",
        };

    /// <summary>Whether the caller sees what belongs to a publisher.</summary>
    public static bool Holds(HttpContext context, string publisher) => Of(context) is not { } only || only == publisher;
}
