using ClickHouse.Driver;
using EventStream.Hosting.Access;
using EventStream.Hosting.OpenApi;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;

namespace EventStream.Warehouse.Sink;

/// <summary>What is stored of a table.</summary>
public sealed record TableStatus(string Table, long Rows, long Bytes);

/// <summary>The answer of <c>GET /v1/status</c>. Lag in records; bytes on disk, compressed.</summary>
public sealed record WarehouseStatus(
    bool Running,
    string? Missing,
    ulong Sequence,
    long RowsStored,
    long Lag,
    IReadOnlyList<PartitionStatus> Partitions,
    IReadOnlyList<TableStatus> Tables
);

/// <summary>
/// <list type="bullet"><item><c>GET /v1/status</c>: offsets and lag by partition, rows by table.</item></list>
/// </summary>
internal static class WarehouseApi
{
    private const string Tables = """
        SELECT name, toInt64(ifNull(total_rows, 0)), toInt64(ifNull(total_bytes, 0)) FROM system.tables
        WHERE database = 'es' AND engine LIKE '%MergeTree' ORDER BY name
        """;

    public static void Map(IEndpointRouteBuilder app) =>
        app.MapGet("/v1/status", StatusAsync)
            .RequireAuthorization(Policies.Analyse)
            .Describe("Offsets and lag by partition, rows and bytes by table.", 503);

    private static async Task<Results<Ok<WarehouseStatus>, ProblemHttpResult>> StatusAsync(
        SinkState state,
        IClickHouseClient client,
        CancellationToken cancellation
    )
    {
        try
        {
            var tables = await client.ListAsync(
                Tables,
                row => new TableStatus(row.GetString(0), row.GetFieldValue<long>(1), row.GetFieldValue<long>(2)),
                cancellation
            );
            var partitions = state.Partitions;
            return TypedResults.Ok(
                new WarehouseStatus(
                    state.Missing is null,
                    state.Missing,
                    state.Sequence,
                    state.RowsStored,
                    partitions.Sum(partition => partition.Lag),
                    partitions,
                    tables
                )
            );
        }
        catch (Exception e)
            when (e is HttpRequestException or ClickHouseServerException
                || (e is OperationCanceledException && !cancellation.IsCancellationRequested)
            )
        {
            return TypedResults.Problem(
                title: "ClickHouse does not answer",
                statusCode: StatusCodes.Status503ServiceUnavailable,
                detail: $"{e.Message} Start `eventstream run clickhouse`, or set ClickHouse:Url to a server."
            );
        }
    }
}
