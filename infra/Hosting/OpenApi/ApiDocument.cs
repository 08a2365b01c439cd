using EventStream.Contracts;
using EventStream.Hosting.Access;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.OpenApi;

namespace EventStream.Hosting.OpenApi;

/// <summary>
/// <c>GET /openapi/v1.json</c> of every role: its HTTP API as OpenAPI, made from the routes as they are. What the
/// routes themselves do not say, <see cref="ApiDescriptions"/> adds. <c>docs/openapi</c> has the same documents.
/// </summary>
public static class ApiDocument
{
    /// <summary>Name of the document, and the key of its <see cref="IOpenApiDocumentProvider"/>.</summary>
    public const string Name = "v1";

    private const string Scheme = "key";
    private const string Problem = nameof(ProblemDetails);

    internal static IServiceCollection AddApiDocument(this IServiceCollection services, IRole role) =>
        services.AddOpenApi(
            Name,
            options =>
            {
                options.OpenApiVersion = OpenApiSpecVersion.OpenApi3_1;
                options.AddDocumentTransformer(
                    (document, context, cancellation) => DescribeAsync(document, context, role, cancellation)
                );
                options.AddOperationTransformer(DescribeAsync);
                options.AddSchemaTransformer(DescribeAsync);
            }
        );

    internal static void MapApiDocument(this WebApplication app) =>
        app.MapOpenApi($"/openapi/{Name}.json").RequireAuthorization(Policies.ReadVideos);

    private static async Task DescribeAsync(
        OpenApiDocument document,
        OpenApiDocumentTransformerContext context,
        IRole role,
        CancellationToken cancellation
    )
    {
        document.Info = new OpenApiInfo
        {
            Title = $"EventStream {role.Name}",
            Version = Name,
            Description = $"The role {role.Name}: {role.Summary}. Errors are problem details (RFC 9457).",
        };
        // Where a role is reached is a matter of the deployment.
        document.Servers = [];
        document.Tags = null;
        document.AddComponent<IOpenApiSecurityScheme>(
            Scheme,
            new OpenApiSecurityScheme
            {
                Type = SecuritySchemeType.Http,
                Scheme = "bearer",
                Description = "A key, as `eventstream key new` makes it. docs/security.md says which key may do what.",
            }
        );
        if (document.Components?.Schemas?.ContainsKey(Problem) != true)
        {
            document.AddComponent<IOpenApiSchema>(
                Problem,
                await context.GetOrCreateSchemaAsync(typeof(ProblemDetails), null, cancellation)
            );
        }
    }

    private static Task DescribeAsync(
        OpenApiOperation operation,
        OpenApiOperationTransformerContext context,
        CancellationToken cancellation
    )
    {
        var metadata = context.Description.ActionDescriptor.EndpointMetadata;
        // The name of a class of ours says nothing to who calls.
        operation.Tags = null;
        foreach (var value in metadata.OfType<ApiParameter>())
        {
            (operation.Parameters ??= []).Add(
                new OpenApiParameter
                {
                    Name = value.Name,
                    In = value.IsHeader ? ParameterLocation.Header : ParameterLocation.Query,
                    Description = value.Description,
                    Required = value.IsRequired,
                    Schema = new OpenApiSchema { Type = JsonSchemaType.String },
                }
            );
        }

        if (!metadata.OfType<IAllowAnonymous>().Any())
            Close(operation, context, metadata);
        operation.Responses = Sorted(operation.Responses);
        return Task.CompletedTask;
    }

    private static void Close(
        OpenApiOperation operation,
        OpenApiOperationTransformerContext context,
        IEnumerable<object> metadata
    )
    {
        operation.Security =
        [
            new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference(Scheme, context.Document)] = [] },
        ];
        Add(operation, context, "401", "There is no key, or it is not known.");
        Add(operation, context, "403", $"The key may not do this; the policy is {Policies.NamesOf(metadata)}.");
    }

    private static OpenApiResponses Sorted(OpenApiResponses? responses)
    {
        var sorted = new OpenApiResponses();
        foreach (var (status, response) in (responses ?? []).OrderBy(entry => entry.Key, StringComparer.Ordinal))
            sorted.Add(status, response);
        return sorted;
    }

    private static Task DescribeAsync(
        OpenApiSchema schema,
        OpenApiSchemaTransformerContext context,
        CancellationToken cancellation
    )
    {
        if (context.JsonTypeInfo.Type != typeof(VideoId))
            return Task.CompletedTask;
        (schema.Type, schema.Format) = (JsonSchemaType.String, "uuid");
        return Task.CompletedTask;
    }

    private static void Add(
        OpenApiOperation operation,
        OpenApiOperationTransformerContext context,
        string status,
        string description
    )
    {
        (operation.Responses ??= []).TryAdd(
            status,
            new OpenApiResponse
            {
                Description = description,
                Content = new Dictionary<string, OpenApiMediaType>(StringComparer.Ordinal)
                {
                    ["application/problem+json"] = new()
                    {
                        Schema = new OpenApiSchemaReference(Problem, context.Document),
                    },
                },
            }
        );
    }
}
