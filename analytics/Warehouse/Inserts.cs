using ClickHouse.Driver;
using ClickHouse.Driver.Compression;

namespace EventStream.Warehouse;

/// <summary>Inserts that may be repeated.</summary>
internal static class Inserts
{
    /// <summary>
    /// Inserts rows as one block or not at all. Rows sent again with the same <paramref name="token"/> are stored once,
    /// in the table and in its materialized views, provided that both keep a deduplication window. Throws
    /// <see cref="ClickHouseServerException"/>, <see cref="HttpRequestException"/>,
    /// <see cref="ClickHouse.Driver.Copy.ClickHouseBulkCopySerializationException"/> with the index of a row that
    /// cannot be written, and <see cref="OperationCanceledException"/> after the client's timeout too.
    /// </summary>
    public static async Task InsertOnceAsync<TRow>(
        this IClickHouseClient client,
        string table,
        IReadOnlyList<TRow> rows,
        string token,
        CancellationToken cancellation
    )
        where TRow : class
    {
        if (rows.Count == 0)
            return;
        client.RegisterBinaryInsertType<TRow>();
        await client.InsertBinaryAsync(table, rows, Options(client, rows.Count, token), cancellation);
    }

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
