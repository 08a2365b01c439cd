using System.Text.Json.Serialization;
using EventStream.Contracts;
using EventStream.Hosting.Access;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;

namespace EventStream.Capacity;

/// <summary>A load series that is forecast. Times are starts of steps; values in <paramref name="Unit"/>.</summary>
public sealed record ResourceSummary(
    string Resource, string Unit, double StepSeconds, int Steps, DateTimeOffset? LastTime, double? LastValue,
    string? Model, IReadOnlyList<string> Targets);

/// <summary>One complete step of load.</summary>
public sealed record LoadStep(DateTimeOffset Time, double Value);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(IReadOnlyList<ResourceSummary>))]
[JsonSerializable(typeof(IReadOnlyList<ScaleDecided>))]
[JsonSerializable(typeof(IReadOnlyList<LoadStep>))]
internal sealed partial class CapacityJson : JsonSerializerContext;

/// <summary>
/// <code>
/// GET /v1/resources                     what is forecast, with the last load and the targets it drives
/// GET /v1/resources/{resource}/load     the last complete steps, ?limit=
/// GET /v1/forecasts/{resource}          the last forecast, as published
/// GET /v1/decisions                     the latest decisions, newest first, ?limit=
/// </code>
/// </summary>
internal static class CapacityApi
{
    private const int LimitDefault = 50;
    private const int LoadLimitMax = 10_000;

    public static void MapCapacityApi(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/v1/resources", Resources).RequireAuthorization(Policies.Analyse);
        routes.MapGet("/v1/resources/{resource}/load", Load).RequireAuthorization(Policies.Analyse);
        routes.MapGet("/v1/forecasts/{resource}", Forecast).RequireAuthorization(Policies.Analyse);
        routes.MapGet("/v1/decisions", Decisions).RequireAuthorization(Policies.Analyse);
    }

    private static JsonHttpResult<IReadOnlyList<ResourceSummary>> Resources(
        LoadBook book, ForecastDesk desk, CapacityOptions options)
    {
        IReadOnlyList<ResourceSummary> summaries = [.. book.Resources.Select(load => Summary(load, desk, options))];
        return TypedResults.Json(summaries, CapacityJson.Default.IReadOnlyListResourceSummary);
    }

    private static ResourceSummary Summary(LoadHistory load, ForecastDesk desk, CapacityOptions options)
    {
        var history = load.Snapshot();
        var targets = options.Targets
            .Where(target => target.Resource == load.Resource).Select(target => target.Name).ToList();
        return new ResourceSummary(
            load.Resource, load.Unit, options.StepSeconds, history.Count,
            history.Count > 0 ? load.TimeOf(history.LastStep) : null, history.Count > 0 ? history.Span[^1] : null,
            desk.Latest(load.Resource)?.Prediction.Model, targets);
    }

    private static Results<JsonHttpResult<IReadOnlyList<LoadStep>>, ProblemHttpResult> Load(
        string resource, LoadBook book, int? limit)
    {
        if (book.Find(resource) is not { } load) return Unknown(resource, book);
        if (BadLimit(limit, LoadLimitMax) is { } problem) return problem;
        var history = load.Snapshot().Tail(limit ?? LimitDefault);
        var values = history.Values;
        IReadOnlyList<LoadStep> steps =
        [
            .. Enumerable.Range(0, history.Count)
                .Select(i => new LoadStep(load.TimeOf(history.FirstStep + i), values.Span[i])),
        ];
        return TypedResults.Json(steps, CapacityJson.Default.IReadOnlyListLoadStep);
    }

    private static Results<JsonHttpResult<ForecastPublished>, ProblemHttpResult> Forecast(
        string resource, LoadBook book, ForecastDesk desk)
    {
        if (desk.Latest(resource) is { } made)
        {
            return TypedResults.Json(made.Published, ContractsJson.Default.ForecastPublished);
        }

        return book.Find(resource) is null
            ? Unknown(resource, book)
            : TypedResults.Problem(
                $"'{resource}' has fewer than two complete steps of load; ask again after the next steps.",
                statusCode: StatusCodes.Status404NotFound, title: "No forecast yet");
    }

    private static Results<JsonHttpResult<IReadOnlyList<ScaleDecided>>, ProblemHttpResult> Decisions(
        DecisionLog log, int? limit)
    {
        if (BadLimit(limit, CapacityOptions.DecisionsMax) is { } problem) return problem;
        return TypedResults.Json(log.Latest(limit ?? LimitDefault), CapacityJson.Default.IReadOnlyListScaleDecided);
    }

    private static ProblemHttpResult? BadLimit(int? limit, int max) => limit is null or >= 1 && !(limit > max)
        ? null
        : TypedResults.Problem(
            $"limit is {limit}; it must lie between 1 and {max}.", statusCode: StatusCodes.Status400BadRequest,
            title: "Bad limit");

    private static ProblemHttpResult Unknown(string resource, LoadBook book)
    {
        const int NamesMax = 10;
        var known = string.Join(", ", book.Resources.Take(NamesMax).Select(load => load.Resource));
        return TypedResults.Problem(
            $"No load of '{resource}' was seen. Known: {(known.Length > 0 ? known : "none yet")}.",
            statusCode: StatusCodes.Status404NotFound, title: "Unknown resource");
    }
}
