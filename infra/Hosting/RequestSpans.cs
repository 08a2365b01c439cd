using System.Diagnostics;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;

namespace EventStream.Hosting;

/// <summary>
/// Names the span of a request as OpenTelemetry's conventions for HTTP servers do, <c>POST /v1/uploads/{id}</c>, with
/// method, route and status. The span that ASP.NET Core makes has none of them, and the package that adds them is not
/// on the platform's feed.
/// </summary>
internal static class RequestSpans
{
    private const int FirstServerError = 500;

    public static void UseRequestSpans(this WebApplication app) => app.Use(async (context, next) =>
    {
        if (context.Features.Get<IHttpActivityFeature>()?.Activity is not { } span)
        {
            await next(context);
            return;
        }

        // Whether a role is alive is asked every few seconds, which would bury the requests that matter.
        if (context.Request.Path.StartsWithSegments("/health", StringComparison.Ordinal))
            span.ActivityTraceFlags &= ~ActivityTraceFlags.Recorded;
        try
        {
            await next(context);
        }
        finally
        {
            Describe(span, context);
        }
    });

    private static void Describe(Activity span, HttpContext context)
    {
        var route = (context.GetEndpoint() as RouteEndpoint)?.RoutePattern.RawText;
        var method = context.Request.Method;
        span.DisplayName = route is null ? method : $"{method} {route}";
        span.SetTag("http.request.method", method);
        // The path and not the query, which may carry a token.
        span.SetTag("url.path", context.Request.Path.Value);
        if (route is not null) span.SetTag("http.route", route);
        span.SetTag("http.response.status_code", context.Response.StatusCode);
        if (context.Response.StatusCode >= FirstServerError) span.SetStatus(ActivityStatusCode.Error);
    }
}
