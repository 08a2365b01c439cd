using EventStream.Contracts;
using EventStream.Hosting.Access;
using EventStream.Hosting.OpenApi;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;

namespace EventStream.Capacity;

/// <summary>
/// A load series that is forecast: the step in which it is measured, the steps of the day-ahead forecast and the
/// minutes that scaling is decided on. The last value is the maximum of the last minute, which began at
/// <paramref name="LastTime"/>; values in <paramref name="Unit"/>.
/// </summary>
public sealed record ResourceSummary(
    string Resource,
    string Unit,
    double MeasuredSeconds,
    double StepSeconds,
    int Steps,
    int Minutes,
    DateTimeOffset? LastTime,
    double? LastValue,
    string? Model,
    IReadOnlyList<string> Targets
);

/// <summary>One step of load that is over: its start, the maximum and the mean of what was measured in it.</summary>
public sealed record LoadStep(DateTimeOffset Time, double Value, double Mean);

/// <summary>
/// <code>
/// GET /v1/resources                     what is forecast, with the last load and the targets it drives
/// GET /v1/resources/{resource}/load     the last steps that are over, ?limit=
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
        routes
            .MapGet("/v1/resources", Resources)
            .RequireAuthorization(Policies.Analyse)
            .Describe("What is forecast, with the last load and the targets that it scales.")
            .Answers(200, typeof(IReadOnlyList<ResourceSummary>));
        routes
            .MapGet("/v1/resources/{resource}/load", Load)
            .RequireAuthorization(Policies.Analyse)
            .Describe("The last steps of load that are over.", 400, 404)
            .Answers(200, typeof(IReadOnlyList<LoadStep>));
        routes
            .MapGet("/v1/forecasts/{resource}", Forecast)
            .RequireAuthorization(Policies.Analyse)
            .Describe("The last forecast, as it was published.", 404)
            .Answers(200, typeof(ForecastPublished));
        routes
            .MapGet("/v1/decisions", Decisions)
            .RequireAuthorization(Policies.Analyse)
            .Describe("The latest scaling decisions, newest first.", 400)
            .Answers(200, typeof(IReadOnlyList<ScaleDecided>));
    }

    private static Ok<List<ResourceSummary>> Resources(
        LoadReadModel loads,
        ForecastService forecasts,
        CapacityOptions options
    ) => TypedResults.Ok(loads.Resources.Select(series => Summary(series, forecasts, options)).ToList());

    private static ResourceSummary Summary(LoadSeries series, ForecastService forecasts, CapacityOptions options)
    {
        var (steps, minutes) = (series.Slow.Maxima.Count, series.Fast);
        var history = minutes.Maxima;
        var targets = options
            .Targets.Where(target => target.Resource == series.Resource)
            .Select(target => target.Name)
            .ToList();
        return new ResourceSummary(
            series.Resource,
            series.Unit,
            series.MeasuredSeconds,
            options.StepSeconds,
            steps,
            history.Count,
            history.Count > 0 ? minutes.TimeOf(history.LastStep) : null,
            history.Count > 0 ? history.Span[^1] : null,
            forecasts.Latest(series.Resource)?.Prediction.Model,
            targets
        );
    }

    private static Results<Ok<List<LoadStep>>, ProblemHttpResult> Load(string resource, LoadReadModel loads, int? limit)
    {
        if (loads.Find(resource) is not { } series)
            return Unknown(resource, loads);
        if (BadLimit(limit, LoadLimitMax) is { } problem)
            return problem;
        var view = series.Slow;
        var maxima = view.Maxima.Tail(limit ?? LimitDefault);
        var means = view.Means.Tail(limit ?? LimitDefault);
        var steps = Enumerable
            .Range(0, maxima.Count)
            .Select(i => new LoadStep(view.TimeOf(maxima.FirstStep + i), maxima.Span[i], means.Span[i]));
        return TypedResults.Ok(steps.ToList());
    }

    private static Results<JsonHttpResult<ForecastPublished>, ProblemHttpResult> Forecast(
        string resource,
        LoadReadModel loads,
        ForecastService forecasts
    )
    {
        if (forecasts.Latest(resource) is { } made)
        {
            return TypedResults.Json(made.Published, ContractsJson.Default.ForecastPublished);
        }

        return loads.Find(resource) is null
            ? Unknown(resource, loads)
            : TypedResults.Problem(
                $"'{resource}' has no complete minute of load yet; ask again in a minute.",
                statusCode: StatusCodes.Status404NotFound,
                title: "No forecast yet"
            );
    }

    private static Results<Ok<IReadOnlyList<ScaleDecided>>, ProblemHttpResult> Decisions(DecisionLog log, int? limit)
    {
        if (BadLimit(limit, CapacityOptions.DecisionsMax) is { } problem)
            return problem;
        return TypedResults.Ok(log.Latest(limit ?? LimitDefault));
    }

    private static ProblemHttpResult? BadLimit(int? limit, int max) =>
        limit is null or >= 1 && !(limit > max)
            ? null
            : TypedResults.Problem(
                $"limit is {limit}; it must lie between 1 and {max}.",
                statusCode: StatusCodes.Status400BadRequest,
                title: "Bad limit"
            );

    private static ProblemHttpResult Unknown(string resource, LoadReadModel loads)
    {
        const int NamesMax = 10;
        var known = string.Join(", ", loads.Resources.Take(NamesMax).Select(series => series.Resource));
        var why = loads.Refusal(resource) is { } refusal ? $"that can be used: {refusal}" : "was seen";
        return TypedResults.Problem(
            $"No load of '{resource}' {why}. Known: {(known.Length > 0 ? known : "none yet")}.",
            statusCode: StatusCodes.Status404NotFound,
            title: "Unknown resource"
        );
    }
}
