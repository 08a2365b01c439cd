using System.Globalization;
using System.Text.Json;

namespace EventStream.Embedded.ClickHouse;

/// <summary>
/// What <c>system.query_log</c> holds. Entries wait in memory and become rows only when somebody reads the table, so
/// that a statement costs no insert of its own; the oldest ones go beyond the bound.
/// </summary>
internal sealed class QueryLog(EmbeddedEngine engine, TimeProvider clock)
{
    private const int EntriesMax = SystemTables.LogRowsMax,
        TextMax = 4096;

    private readonly Queue<byte[]> waiting = [];
    private readonly Lock gate = new();
    private readonly Lock writing = new();

    /// <summary>Notes that a statement starts and returns when, in microseconds since 1970.</summary>
    public DateTimeOffset Start(ClickHouseRequest request)
    {
        var now = clock.GetUtcNow();
        Add(request, "QueryStart", now, now, default, null);
        return now;
    }

    /// <summary>Notes that a statement ended, with its error if it failed.</summary>
    public void End(ClickHouseRequest request, DateTimeOffset? started, QuerySummary summary, Exception? error)
    {
        var now = clock.GetUtcNow();
        var failed = started is null ? "ExceptionBeforeStart" : "ExceptionWhileProcessing";
        Add(request, error is null ? "QueryFinish" : failed, started ?? now, now, summary, error);
    }

    /// <summary>Makes rows of what waits.</summary>
    public void Flush()
    {
        lock (writing)
        {
            byte[][] entries;
            lock (gate)
            {
                entries = [.. waiting];
                waiting.Clear();
            }

            if (entries.Length == 0)
                return;
            using var file = new MemoryFile();
            foreach (var entry in entries)
                file.Stream.Write(entry);
            engine.Control(
                $"INSERT INTO system.query_log SELECT * FROM file('{file.Path}', 'JSONEachRow') "
                    + "SETTINGS input_format_null_as_default = 1"
            );
        }
    }

    private void Add(
        ClickHouseRequest request,
        string type,
        DateTimeOffset started,
        DateTimeOffset now,
        QuerySummary cost,
        Exception? error
    )
    {
        var line = JsonSerializer.SerializeToUtf8Bytes(
            new Dictionary<string, object>
            {
                ["type"] = type,
                ["event_time_microseconds"] = Time(now),
                ["query_start_time_microseconds"] = Time(started),
                ["query_duration_ms"] = (long)(now - started).TotalMilliseconds,
                ["read_rows"] = cost.RowsRead,
                ["read_bytes"] = cost.BytesRead,
                ["written_rows"] = cost.RowsWritten,
                ["written_bytes"] = cost.BytesWritten,
                ["result_rows"] = cost.ResultRows,
                ["result_bytes"] = cost.ResultBytes,
                ["current_database"] = request.Database ?? "default",
                ["query"] = Cut(request.LogText),
                ["exception_code"] = (error as ClickHouseException)?.Code ?? 0,
                ["exception"] = Cut(error?.Message ?? ""),
                ["is_initial_query"] = 1,
                ["user"] = request.User.Name,
                ["query_id"] = request.QueryId,
                ["initial_user"] = request.User.Name,
                ["initial_query_id"] = request.QueryId,
                ["interface"] = 2,
                ["http_user_agent"] = Cut(request.UserAgent),
            }
        );
        lock (gate)
        {
            while (waiting.Count >= EntriesMax)
                waiting.Dequeue();
            waiting.Enqueue([.. line, (byte)'\n']);
        }
    }

    private static string Cut(string text) => text.Length <= TextMax ? text : text[..TextMax];

    private static string Time(DateTimeOffset time) =>
        time.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss.ffffff", CultureInfo.InvariantCulture);
}
