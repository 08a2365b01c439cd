using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;

namespace EventStream.Hosting.OpenApi;

/// <summary>A value that a handler reads from the request by itself, as text.</summary>
internal sealed record ApiParameter(string Name, string Description, bool IsHeader, bool IsRequired);

/// <summary>What a route says of itself in the OpenAPI document of its role.</summary>
public static class ApiDescriptions
{
    /// <summary>What the route does, in a sentence, and with which errors it may answer besides 401 and 403.</summary>
    public static TBuilder Describe<TBuilder>(this TBuilder route, string summary, params int[] problems)
        where TBuilder : IEndpointConventionBuilder
    {
        route.WithSummary(summary);
        foreach (var status in problems)
        {
            route.WithMetadata(
                new ProducesResponseTypeMetadata(status, typeof(ProblemDetails), ["application/problem+json"])
            );
        }

        return route;
    }

    /// <summary>What the route answers; JSON unless another type is named.</summary>
    public static TBuilder Answers<TBuilder>(
        this TBuilder route,
        int status,
        Type? body = null,
        string contentType = "application/json"
    )
        where TBuilder : IEndpointConventionBuilder =>
        route.WithMetadata(
            body is null
                ? new ProducesResponseTypeMetadata(status, typeof(void))
                : new ProducesResponseTypeMetadata(status, body, [contentType])
        );

    /// <summary>A parameter of the query that the handler reads by itself.</summary>
    public static TBuilder Takes<TBuilder>(this TBuilder route, string name, string description)
        where TBuilder : IEndpointConventionBuilder =>
        route.WithMetadata(new ApiParameter(name, description, IsHeader: false, IsRequired: false));

    /// <summary>A header that the handler reads by itself.</summary>
    public static TBuilder TakesHeader<TBuilder>(
        this TBuilder route,
        string name,
        string description,
        bool isRequired = false
    )
        where TBuilder : IEndpointConventionBuilder =>
        route.WithMetadata(new ApiParameter(name, description, IsHeader: true, isRequired));
}
