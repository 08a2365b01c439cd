using EventStream.Hosting.Access;
using EventStream.Hosting.OpenApi;
using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Authentication;

namespace EventStream.Console.SignIn;

/// <summary>The key that a person signs in with.</summary>
public sealed record SignInRequest(string? Key);

/// <summary>
/// Signing in and out.
/// <code>
/// GET    /api/session    who is signed in, if anybody, and the antiforgery token of the page's writes
/// POST   /api/session    signs in with {"key": "..."}
/// DELETE /api/session    signs out
/// </code>
/// </summary>
internal static class SessionApi
{
    /// <summary>Longest key that is looked up, in characters.</summary>
    private const int KeyLengthMax = 200;

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes
            .MapGet("/api/session", Show)
            .AllowAnonymous()
            .Describe("Who is signed in, if anybody, and the token that writes carry.")
            .Answers(200);
        routes
            .MapPost("/api/session", SignInAsync)
            .AllowAnonymous()
            .Describe("Signs in with a key; a cookie keeps the session.", 400, 403, 429)
            .Answers(200);
        routes.MapDelete("/api/session", (Delegate)SignOutAsync).AllowAnonymous().Describe("Signs out.").Answers(204);
    }

    private static IResult Show(HttpContext http, IAntiforgery antiforgery)
    {
        http.Response.Headers.CacheControl = "no-store";
        var caller = http.Caller();
        return Results.Json(
            new
            {
                name = caller?.Name,
                role = caller is null ? null : KeyAuthentication.Word(caller.Role),
                token = antiforgery.GetAndStoreTokens(http).RequestToken,
            }
        );
    }

    private static async Task<IResult> SignInAsync(
        SignInRequest request,
        HttpContext http,
        Keyring keyring,
        SignInLimiter limiter
    )
    {
        if (limiter.RetryAfter(http.Connection.RemoteIpAddress) is { } wait)
        {
            var seconds = (int)Math.Ceiling(wait.TotalSeconds);
            http.Response.Headers.RetryAfter = $"{seconds}";
            return Problem(
                StatusCodes.Status429TooManyRequests,
                "Too many wrong keys",
                $"Try again in {seconds} seconds."
            );
        }

        var key = request.Key?.Trim() ?? "";
        if (key.Length == 0)
            return Problem(StatusCodes.Status400BadRequest, "There is no key", "Enter your key.");
        if (key.Length > KeyLengthMax || keyring.Find(key) is not { } caller)
        {
            limiter.Failed(http.Connection.RemoteIpAddress);
            return Problem(
                StatusCodes.Status403Forbidden,
                "This key is not known",
                "Check that the whole key was entered and that it is one of this platform."
            );
        }

        if (caller.Role is not (AccessRole.Publisher or AccessRole.Analyst or AccessRole.Operator))
            return Problem(
                StatusCodes.Status403Forbidden,
                "This key cannot sign in",
                $"It has the role '{KeyAuthentication.Word(caller.Role)}'. People sign in as publisher, analyst or "
                    + "operator."
            );
        await http.SignInAsync(Sessions.Scheme, Sessions.Principal(caller, key));
        return Results.Json(new { name = caller.Name, role = KeyAuthentication.Word(caller.Role) });
    }

    private static async Task<IResult> SignOutAsync(HttpContext http)
    {
        await http.SignOutAsync(Sessions.Scheme);
        return Results.NoContent();
    }

    private static IResult Problem(int status, string title, string detail) =>
        Results.Problem(statusCode: status, title: title, detail: detail);
}
