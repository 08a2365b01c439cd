using EventStream.Hosting.OpenApi;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;

namespace EventStream.Hosting.Access;

/// <summary>
/// A route of a role and who may use it: <c>anyone</c>, or the name of a policy of <see cref="Policies"/>.
/// </summary>
public sealed record Door(string Methods, string Route, string Policy);

/// <summary>
/// <c>GET /v1/doors</c> of every role: its routes and who may use each, as they are and not as somebody wrote them
/// down. <c>docs/security.md</c> is compared with it.
/// </summary>
internal static class Doors
{
    private const string Anyone = "anyone";

    public static void MapDoors(this WebApplication app) =>
        app.MapGet("/v1/doors", (IEnumerable<EndpointDataSource> sources) => List(sources))
            .RequireAuthorization(Policies.Operate)
            .Describe("The routes of this role, and who may use each.");

    private static IReadOnlyList<Door> List(IEnumerable<EndpointDataSource> sources) =>
        [
            .. sources
                .SelectMany(source => source.Endpoints)
                .OfType<RouteEndpoint>()
                .Select(Describe)
                .Distinct()
                .OrderBy(door => door.Route, StringComparer.Ordinal)
                .ThenBy(door => door.Methods, StringComparer.Ordinal),
        ];

    private static Door Describe(RouteEndpoint endpoint)
    {
        var methods = endpoint.Metadata.GetMetadata<IHttpMethodMetadata>()?.HttpMethods ?? [];
        var isOpen = endpoint.Metadata.GetMetadata<IAllowAnonymous>() is not null;
        return new Door(
            methods.Count > 0 ? string.Join(' ', methods.Order(StringComparer.Ordinal)) : "any",
            "/" + endpoint.RoutePattern.RawText?.Trim('/'),
            isOpen ? Anyone : Policies.NamesOf(endpoint.Metadata)
        );
    }
}
