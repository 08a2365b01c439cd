using ClickHouse.Driver;
using ClickHouse.Driver.ADO.Readers;
using ClickHouse.Driver.Compression;

namespace EventStream.Warehouse;

/// <summary>Short reads of the platform's own tables, and inserts that may be repeated.</summary>
internal static class ClientExtensions
{
    /// <summary>Rows of a read; one row a partition or a table is far below it.</summary>
    public const int RowsMax = 100_000;

    /// <summary>Time in which ClickHouse has to finish a read.</summary>
    public static readonly TimeSpan TimeMax = TimeSpan.FromSeconds(30);

    private static readonly QueryOptions Bounds = new()
    {
        MaxExecutionTime = TimeMax,
        CustomSettings = new Dictionary<string, object> { ["max_result_rows"] = RowsMax },
    };

    /// <summary>
    /// All rows of a SELECT. Throws <see cref="ClickHouseServerException"/>, also for more than <see cref="RowsMax"/>
    /// rows, and <see cref="HttpRequestException"/>.
    /// </summary>
    public static async Task<List<T>> ListAsync<T>(
        this IClickHouseClient client,
        string sql,
        Func<ClickHouseDataReader, T> row,
        CancellationToken cancellation
    )
    {
        using var reader = await client.ExecuteReaderAsync(sql, null, Bounds, cancellation);
        var rows = new List<T>();
        while (reader.Read())
        {
            cancellation.ThrowIfCancellationRequested();
            rows.Add(row(reader));
        }

        return rows;
    }

    /// <summary>Throws <see cref="HttpRequestException"/> when ClickHouse does not answer.</summary>
    public static async Task ReachAsync(this IClickHouseClient client, CancellationToken cancellation)
    {
        if (await client.PingAsync(null, cancellation))
            return;
        cancellation.ThrowIfCancellationRequested();
        var at = client.Settings;
        throw new HttpRequestException($"ClickHouse at {at.Protocol}://{at.Host}:{at.Port} does not answer.");
    }

    /// <summary>
    /// Inserts rows as one block or not at all. Rows sent again with the same <paramref name="token"/> are stored once,
    /// in the table and in its materialized views, provided that both keep a deduplication window. Throws
    /// <see cref="ClickHouseServerException"/>, <see cref="HttpRequestException"/>,
    /// <see cref="ClickHouse.Driver.Copy.ClickHouseBulkCopySerializationException"/> with the index of a row that
    /// cannot be written, and <see cref="OperationCanceledException"/> after the client's timeout too.
    /// </summary>
    public static Task InsertOnceAsync(
        this IClickHouseClient client,
        string table,
        IReadOnlyList<string> columns,
        IReadOnlyList<object?[]> rows,
        string token,
        CancellationToken cancellation
    ) => client.InsertBinaryAsync(table, columns, rows!, Options(client, rows.Count, token), cancellation);

    /// <summary>
    /// The driver cuts rows into batches, each an INSERT of its own under the same token, of which ClickHouse stores
    /// the first and takes the others for its repetition: so all rows are one batch.
    /// </summary>
    internal static InsertOptions Options(IClickHouseClient client, int rows, string token) =>
        new()
        {
            BatchSize = rows,
            UseSchemaCache = true,
            Compressor = client.Settings.UseCompression ? ZstdCompressor.Default : null,
            CustomSettings = new Dictionary<string, object>
            {
                ["async_insert"] = 0,
                ["insert_deduplicate"] = 1,
                ["insert_deduplication_token"] = token,
                ["deduplicate_blocks_in_dependent_materialized_views"] = 1,
                ["max_partitions_per_insert_block"] = 0,
            },
        };
}
