using ClickHouse.Driver;
using ClickHouse.Driver.ADO.Readers;

namespace EventStream.Warehouse;

/// <summary>Short reads of the platform's own tables.</summary>
internal static class Reads
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
}
