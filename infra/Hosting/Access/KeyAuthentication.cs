using System.Security.Claims;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace EventStream.Hosting.Access;

/// <summary>
/// The authentication scheme of keys: <c>Authorization: Bearer KEY</c>. OpenID Connect would be one more scheme that
/// gives the same roles. A service may act on behalf of a user with <see cref="OnBehalfOf"/>; nobody else may.
/// </summary>
public sealed class KeyAuthentication(
    IOptionsMonitor<AuthenticationSchemeOptions> options,
    ILoggerFactory logger,
    UrlEncoder encoder,
    Keyring keyring
) : AuthenticationHandler<AuthenticationSchemeOptions>(options, logger, encoder)
{
    /// <summary>Name of the scheme.</summary>
    public const string SchemeName = "Key";

    /// <summary>Header with which a service names the user it acts for: <c>role name</c>.</summary>
    public const string OnBehalfOf = "X-EventStream-On-Behalf-Of";

    private const string Bearer = "Bearer ";

    protected override Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        var authorization = Request.Headers.Authorization.ToString();
        if (!authorization.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase))
            return Task.FromResult(AuthenticateResult.NoResult());
        if (keyring.Find(authorization[Bearer.Length..].Trim()) is not { } caller)
            return Task.FromResult(AuthenticateResult.Fail("The key is not known."));
        var user = Request.Headers[OnBehalfOf].ToString();
        if (caller.Role == AccessRole.Service && user.Length > 0)
        {
            if (Parse(user) is not { } named)
                return Task.FromResult(AuthenticateResult.Fail($"{OnBehalfOf} is not 'role name'."));
            caller = named;
        }

        var ticket = new AuthenticationTicket(Principal(caller, SchemeName), SchemeName);
        return Task.FromResult(AuthenticateResult.Success(ticket));
    }

    /// <summary>The identity of a caller, whichever scheme found it.</summary>
    public static ClaimsPrincipal Principal(Caller caller, string scheme) =>
        new(
            new ClaimsIdentity(
                [new Claim(ClaimTypes.Name, caller.Name), new Claim(ClaimTypes.Role, Word(caller.Role))],
                scheme
            )
        );

    /// <summary>The text of <see cref="OnBehalfOf"/> for a caller.</summary>
    public static string Format(Caller caller) => $"{Word(caller.Role)} {Uri.EscapeDataString(caller.Name)}";

    /// <summary>A role as claims and policies write it, in lower case.</summary>
    public static string Word(AccessRole role) => role.ToString().ToLowerInvariant();

    protected override Task HandleChallengeAsync(AuthenticationProperties properties)
    {
        Response.Headers.WWWAuthenticate = "Bearer";
        return Results
            .Problem(
                statusCode: StatusCodes.Status401Unauthorized,
                title: "A key is needed",
                detail: "Send 'Authorization: Bearer KEY' with a key that is configured under Access:Keys; "
                    + "`eventstream up` writes its keys into client.env of the data folder."
            )
            .ExecuteAsync(Context);
    }

    protected override Task HandleForbiddenAsync(AuthenticationProperties properties)
    {
        // Routing refuses another method or type by endpoints of its own, which have no policy: it is not the key.
        if (Context.GetEndpoint() is { DisplayName: [_, _, _, ' ', 'H', 'T', 'T', 'P', ..] } refusal)
            return RefuseAsync(refusal);
        var role = Context.User.FindFirstValue(ClaimTypes.Role);
        return Results
            .Problem(
                statusCode: StatusCodes.Status403Forbidden,
                title: "The key may not do this",
                detail: $"The key has the role '{role}'; {Context.Request.Method} "
                    + $"{Context.Request.Path} needs another. docs/security.md lists who may do what."
            )
            .ExecuteAsync(Context);
    }

    private async Task RefuseAsync(Endpoint refusal)
    {
        // It sets the status, and says which methods are allowed.
        await refusal.RequestDelegate!(Context);
        var said = $"{Context.Request.Method} {Context.Request.Path} with Content-Type '{Context.Request.ContentType}'";
        await Results
            .Problem(
                statusCode: Response.StatusCode,
                detail: $"{said} is not what this address takes; /openapi/v1.json lists what it does."
            )
            .ExecuteAsync(Context);
    }

    private static Caller? Parse(string text)
    {
        var space = text.IndexOf(' ', StringComparison.Ordinal);
        return
            space > 0
            && Enum.TryParse<AccessRole>(text[..space], ignoreCase: true, out var role)
            && role is AccessRole.Publisher or AccessRole.Analyst or AccessRole.Operator
            ? new Caller(Uri.UnescapeDataString(text[(space + 1)..]), role)
            : null;
    }
}
