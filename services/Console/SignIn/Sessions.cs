using System.Security.Claims;
using EventStream.Hosting;
using EventStream.Hosting.Access;
using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.DataProtection;

namespace EventStream.Console.SignIn;

/// <summary>
/// How a browser is known: a cookie that holds the name and role of the key it signed in with, encrypted. Scripts send
/// the key itself. OpenID Connect would be one more scheme that signs in to the same cookie.
/// </summary>
internal static class Sessions
{
    /// <summary>Name of the scheme of cookies.</summary>
    public const string Scheme = "Session";

    /// <summary>Header in which a page sends its antiforgery token with every write.</summary>
    public const string TokenHeader = "X-Antiforgery";

    /// <summary>Chooses between the key of a request and its cookie.</summary>
    private const string EitherScheme = "KeyOrSession";

    /// <summary>
    /// Claim with the start of the key's hash: a key that is taken out of the settings ends its sessions.
    /// </summary>
    private const string KeyClaim = "key";

    private const int KeyClaimLength = 16;

    /// <summary>Registers cookies, their encryption and antiforgery tokens.</summary>
    public static void AddSessions(this WebApplicationBuilder builder, ConsoleOptions options)
    {
        var port = BindingAddress.Parse(RoleAddresses.Listen(builder.Configuration, "console")).Port;
        builder
            .Services.AddAuthentication(EitherScheme)
            .AddPolicyScheme(
                EitherScheme,
                null,
                either =>
                    either.ForwardDefaultSelector = http =>
                        http.Request.Headers.ContainsKey("Authorization") ? KeyAuthentication.SchemeName : Scheme
            )
            .AddCookie(Scheme, cookie => Configure(cookie, options, port));
        builder.Services.AddAntiforgery(antiforgery =>
        {
            antiforgery.HeaderName = TokenHeader;
            antiforgery.SuppressReadingTokenFromFormBody = true;
            Close(antiforgery.Cookie, $"eventstream-antiforgery-{port}");
        });
        var protection = builder.Services.AddDataProtection().SetApplicationName("eventstream-console");
        if (options.KeyFolder is { } folder)
            protection.PersistKeysToFileSystem(Directory.CreateDirectory(folder));
        else
            builder.Services.AddSingleton<IDataProtectionProvider, EphemeralDataProtectionProvider>();
        // Both say at length what a stale cookie means, and that the keys of the folder have no second lock.
        builder.Logging.AddFilter("Microsoft.AspNetCore.DataProtection", LogLevel.Error);
        builder.Logging.AddFilter("Microsoft.AspNetCore.Antiforgery", LogLevel.None);
    }

    /// <summary>
    /// Refuses writes of browsers that do not carry the antiforgery token of their session. A request with a key is
    /// no browser's own doing and needs none.
    /// </summary>
    public static void UseAntiforgeryTokens(this WebApplication app)
    {
        var antiforgery = app.Services.GetRequiredService<IAntiforgery>();
        app.Use(
            async (http, next) =>
            {
                if (
                    http.User.Identity?.AuthenticationType == KeyAuthentication.SchemeName
                    || await antiforgery.IsRequestValidAsync(http)
                )
                {
                    await next(http);
                    return;
                }

                await Gateway.ProblemAsync(
                    http,
                    StatusCodes.Status400BadRequest,
                    "The page is out of date",
                    $"The request has no valid {TokenHeader} header. Reload the page; scripts send 'Authorization: "
                        + "Bearer KEY' instead of a cookie."
                );
            }
        );
    }

    /// <summary>The identity that a session keeps of a key and its holder.</summary>
    public static ClaimsPrincipal Principal(Caller caller, string key)
    {
        var principal = KeyAuthentication.Principal(caller, Scheme);
        ((ClaimsIdentity)principal.Identity!).AddClaim(new Claim(KeyClaim, AccessOptions.Hash(key)[..KeyClaimLength]));
        return principal;
    }

    private static void Configure(CookieAuthenticationOptions cookie, ConsoleOptions options, int port)
    {
        Close(cookie.Cookie, $"eventstream-session-{port}");
        cookie.ExpireTimeSpan = options.SessionLifetime;
        cookie.SlidingExpiration = false;
        cookie.Events.OnValidatePrincipal = ValidateAsync;
        cookie.Events.OnRedirectToLogin = context =>
            Gateway.ProblemAsync(
                context.HttpContext,
                StatusCodes.Status401Unauthorized,
                "Sign in first",
                "Sign in at /sign-in, or send 'Authorization: Bearer KEY'."
            );
        cookie.Events.OnRedirectToAccessDenied = context =>
            Gateway.ProblemAsync(
                context.HttpContext,
                StatusCodes.Status403Forbidden,
                "Your key may not do this",
                $"You are signed in as {context.HttpContext.Caller()?.Name} with the role "
                    + $"'{context.HttpContext.User.FindFirstValue(ClaimTypes.Role)}'; this needs another."
            );
    }

    /// <summary>
    /// Cookies go by host and not by port, so that each console has names of its own. The page of another port of this
    /// host is of the same site to the browser; the antiforgery token is what it lacks.
    /// </summary>
    private static void Close(CookieBuilder cookie, string name)
    {
        cookie.Name = name;
        cookie.HttpOnly = true;
        cookie.SameSite = SameSiteMode.Strict;
        cookie.SecurePolicy = CookieSecurePolicy.SameAsRequest;
    }

    private static async Task ValidateAsync(CookieValidatePrincipalContext context)
    {
        var access = context.HttpContext.RequestServices.GetRequiredService<AccessOptions>();
        var (name, role, key) = (
            context.Principal?.FindFirstValue(ClaimTypes.Name),
            context.Principal?.FindFirstValue(ClaimTypes.Role),
            context.Principal?.FindFirstValue(KeyClaim)
        );
        if (
            key is { Length: KeyClaimLength }
            && access.Keys.Any(known =>
                known.Name == name
                && KeyAuthentication.Word(known.Role) == role
                && known.Sha256.StartsWith(key, StringComparison.OrdinalIgnoreCase)
            )
        )
        {
            return;
        }

        context.RejectPrincipal();
        await context.HttpContext.SignOutAsync(Scheme);
    }
}
