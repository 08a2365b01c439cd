namespace EventStream.Embedded.ClickHouse;

/// <summary>
/// What a server has in its database <c>system</c> and the library lacks: the query log, and the running statements
/// under the ids of their clients. Both live in memory.
/// </summary>
internal static class SystemTables
{
    /// <summary>Rows of the query log that are kept; two a statement.</summary>
    public const int LogRowsMax = 4000;

    /// <summary>The view that replaces <c>system.processes</c> in statements from outside.</summary>
    public const string Processes = "system.client_processes";

    public static readonly IReadOnlyList<string> Definitions =
    [
        $"""
            CREATE TABLE IF NOT EXISTS system.query_log
            (
                type Enum8('QueryStart' = 1, 'QueryFinish' = 2, 'ExceptionBeforeStart' = 3,
                    'ExceptionWhileProcessing' = 4),
                event_date Date DEFAULT toDate(event_time_microseconds),
                event_time DateTime('UTC') DEFAULT toDateTime(event_time_microseconds),
                event_time_microseconds DateTime64(6, 'UTC'), query_start_time_microseconds DateTime64(6, 'UTC'),
                query_start_time DateTime('UTC') DEFAULT toDateTime(query_start_time_microseconds),
                query_duration_ms UInt64, read_rows UInt64, read_bytes UInt64, written_rows UInt64,
                written_bytes UInt64,
                result_rows UInt64, result_bytes UInt64, current_database String, query String, exception_code Int32,
                exception String, is_initial_query UInt8, user String, query_id String, initial_user String,
                initial_query_id String, interface UInt8, http_user_agent String
            )
            ENGINE = Memory SETTINGS min_rows_to_keep = {LogRowsMax / 2}, max_rows_to_keep = {LogRowsMax}
            """,
        $"""
            CREATE VIEW IF NOT EXISTS {Processes} AS
            SELECT unhex(extract(p.query, '{Pattern(1)}')) AS query_id, unhex(extract(p.query, '{Pattern(2)}')) AS user,
                query_id AS initial_query_id, user AS initial_user,
                replaceAll(replaceRegexpOne(p.query, '\\n?/\\*es:[^*]*\\*/$', ''), '{Processes}', 'system.processes')
                    AS query, p.query_id AS engine_query_id,
                p.* EXCEPT (query_id, user, initial_query_id, initial_user, query)
            FROM system.processes AS p
            WHERE match(p.query, '/\\*es:[^*]*\\*/$')
            """,
    ];

    /// <summary>The comment that ends every statement, by which it is found while it runs.</summary>
    public static string Marker(string queryId, string user) => $"/*es:{Hex(queryId)}:{Hex(user)}:{Guid.NewGuid():N}*/";

    private static string Hex(string text) => Convert.ToHexString(System.Text.Encoding.UTF8.GetBytes(text));

    private static string Pattern(int part) =>
        part == 1 ? @"/\\*es:([0-9A-F]*):[0-9A-F]*:[0-9a-f]*\\*/$" : @"/\\*es:[0-9A-F]*:([0-9A-F]*):[0-9a-f]*\\*/$";
}
