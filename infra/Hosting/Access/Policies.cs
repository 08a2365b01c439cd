using System.Security.Claims;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace EventStream.Hosting.Access;

/// <summary>
/// The policies of routes. A route without a policy answers services and operators only, so that a forgotten one is
/// closed; a route for viewers says <c>AllowAnonymous</c>. <c>docs/security.md</c> has the table of all doors.
/// </summary>
public static class Policies
{
    /// <summary>Publishers (each sees its own), operators and services.</summary>
    public const string Publish = "publish";

    /// <summary>Publishers (each sees its own), analysts, operators and services.</summary>
    public const string ReadVideos = "read-videos";

    /// <summary>Analysts, operators and services.</summary>
    public const string Analyse = "analyse";

    /// <summary>Operators and services; what holds where nothing else is said.</summary>
    public const string Operate = "operate";

    /// <summary>Edges, each for itself.</summary>
    public const string DeliverLogs = "deliver-logs";

    /// <summary>Other roles of the platform only.</summary>
    public const string Service = "service";

    /// <summary>Registers the scheme of keys and the policies.</summary>
    public static IServiceCollection AddAccess(this IServiceCollection services)
    {
        services.AddSingleton<Keyring>();
        services
            .AddAuthentication(KeyAuthentication.SchemeName)
            .AddScheme<AuthenticationSchemeOptions, KeyAuthentication>(KeyAuthentication.SchemeName, null);
        services
            .AddAuthorizationBuilder()
            .AddPolicy(Publish, Of(AccessRole.Publisher, AccessRole.Operator, AccessRole.Service))
            .AddPolicy(
                ReadVideos,
                Of(AccessRole.Publisher, AccessRole.Analyst, AccessRole.Operator, AccessRole.Service)
            )
            .AddPolicy(Analyse, Of(AccessRole.Analyst, AccessRole.Operator, AccessRole.Service))
            .AddPolicy(Operate, Of(AccessRole.Operator, AccessRole.Service))
            .AddPolicy(DeliverLogs, Of(AccessRole.Edge))
            .AddPolicy(Service, Of(AccessRole.Service))
            .SetFallbackPolicy(Of(AccessRole.Operator, AccessRole.Service));
        return services;
    }

    /// <summary>Who asks, on a route with a policy; null on an open one without a key.</summary>
    public static Caller? Caller(this HttpContext http) =>
        http.User.FindFirstValue(ClaimTypes.Name) is { } name
        && Enum.TryParse<AccessRole>(http.User.FindFirstValue(ClaimTypes.Role), ignoreCase: true, out var role)
            ? new Caller(name, role)
            : null;

    /// <summary>
    /// The names of the policies of a route, all of which must be met; the metadata are the endpoint's.
    /// </summary>
    internal static string NamesOf(IEnumerable<object> metadata) =>
        string.Join(
            " and ",
            // What a route itself says counts besides what its group says.
            metadata
                .OfType<IAuthorizeData>()
                .Select(data => data.Policy)
                .OfType<string>()
                .Distinct(StringComparer.Ordinal)
                .DefaultIfEmpty(Operate)
        );

    private static AuthorizationPolicy Of(params AccessRole[] roles) =>
        new AuthorizationPolicyBuilder().RequireRole([.. roles.Select(KeyAuthentication.Word)]).Build();
}
