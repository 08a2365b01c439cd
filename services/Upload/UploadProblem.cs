using Microsoft.AspNetCore.Http;

namespace EventStream.Upload;

/// <summary>
/// A request that cannot be granted: HTTP status, what is wrong, and what to do; sent as problem details (RFC 9457).
/// </summary>
public sealed class UploadProblemException(int status, string title, string detail) : Exception($"{title}: {detail}")
{
    /// <summary>The tus extension's own status for a chunk whose checksum differs.</summary>
    public const int ChecksumMismatch = 460;

    public int Status { get; } = status;
    public string Title { get; } = title;
    public string Detail { get; } = detail;

    /// <summary>The problem's type, where a standard names one.</summary>
    public string? Type { get; init; }

    /// <summary>What <c>Retry-After</c> says, in seconds, where waiting helps.</summary>
    public string? RetryAfterSeconds { get; init; }
}

/// <summary>Turns problems into responses.</summary>
public sealed class UploadProblemFilter : IEndpointFilter
{
    public async ValueTask<object?> InvokeAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        try
        {
            return await next(context);
        }
        catch (UploadProblemException e)
        {
            if (e.RetryAfterSeconds is not null)
                context.HttpContext.Response.Headers.RetryAfter = e.RetryAfterSeconds;
            return Results.Problem(e.Detail, null, e.Status, e.Title, e.Type);
        }
    }
}
