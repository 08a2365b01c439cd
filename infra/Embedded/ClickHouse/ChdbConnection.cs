using System.Runtime.InteropServices;
using System.Text;

namespace EventStream.Embedded.ClickHouse;

/// <summary>
/// What a statement cost, as the engine counts it: rows and bytes read from tables, written to them, and of the
/// result; time in seconds.
/// </summary>
internal readonly record struct QuerySummary(
    ulong RowsRead,
    ulong BytesRead,
    ulong RowsWritten,
    ulong BytesWritten,
    ulong ResultRows,
    ulong ResultBytes,
    double ElapsedSeconds
)
{
    /// <summary>Both together: the parts of a streamed result count each for itself.</summary>
    public static QuerySummary operator +(QuerySummary left, QuerySummary right) =>
        new(
            left.RowsRead + right.RowsRead,
            left.BytesRead + right.BytesRead,
            left.RowsWritten + right.RowsWritten,
            left.BytesWritten + right.BytesWritten,
            left.ResultRows + right.ResultRows,
            left.ResultBytes + right.ResultBytes,
            left.ElapsedSeconds + right.ElapsedSeconds
        );
}

/// <summary>A result, or a part of one, and what it cost.</summary>
internal readonly record struct QueryResult(byte[] Bytes, QuerySummary Summary)
{
    public string Text => Encoding.UTF8.GetString(Bytes);
}

/// <summary>
/// One connection to the engine. It runs one statement at a time and blocks the calling thread; settings, the current
/// database and temporary tables are its own. Opening one costs about a millisecond, so most serve one request and
/// are thrown away.
/// </summary>
internal sealed class ChdbConnection : IDisposable
{
    private readonly nint owner;
    private readonly nint connection;
    private bool disposed;

    private ChdbConnection(nint owner) => (this.owner, connection) = (owner, Marshal.ReadIntPtr(owner));

    /// <summary>
    /// Opens a connection, or returns null when the engine refuses (another path or another process holds it).
    /// </summary>
    public static ChdbConnection? Open(string[] arguments)
    {
        var opened = Libchdb.Connect(arguments.Length, arguments);
        return opened == 0 || Marshal.ReadIntPtr(opened) == 0 ? null : new ChdbConnection(opened);
    }

    /// <summary>
    /// Runs a statement and returns its whole result; that in the format <c>Null</c> is empty. Throws
    /// <see cref="ClickHouseException"/>.
    /// </summary>
    public QueryResult Run(
        string sql,
        string format = "Null",
        IReadOnlyList<KeyValuePair<string, string>>? parameters = null
    )
    {
        var result = Send(Libchdb.Query, sql, format, parameters ?? []);
        try
        {
            ThrowOnError(result);
            return Read(result);
        }
        finally
        {
            Libchdb.DestroyResult(result);
        }
    }

    /// <summary>
    /// Runs a SELECT whose result comes in chunks, of which the last is empty; one that is not read to its end is
    /// cancelled. Only formats without header and footer may be streamed, because each chunk is a document of its own.
    /// Throws <see cref="ClickHouseException"/>, also when the query fails after some chunks.
    /// </summary>
    public IEnumerable<QueryResult> Stream(
        string sql,
        string format,
        IReadOnlyList<KeyValuePair<string, string>> parameters
    )
    {
        var stream = Send(Libchdb.StreamQuery, sql, format, parameters);
        var (unread, ended) = (false, false);
        try
        {
            ThrowOnError(stream);
            while (!ended)
            {
                var part = Fetch(stream);
                unread = part.Bytes.Length > 0;
                yield return part;
                ended = !unread;
                unread = false;
            }
        }
        finally
        {
            if (unread)
                Libchdb.StreamCancel(connection, stream);
            Libchdb.DestroyResult(stream);
        }
    }

    public void Dispose()
    {
        if (!disposed)
            Libchdb.CloseConnection(owner);
        disposed = true;
    }

    /// <summary>The next chunk; an empty one ends the result.</summary>
    private QueryResult Fetch(nint stream)
    {
        var chunk = Libchdb.StreamFetch(connection, stream);
        if (chunk == 0)
            return new QueryResult([], default);
        try
        {
            // The engine forgets a stream whose only chunk was its last and says so when asked again.
            if (Error(chunk) == "No active streaming query")
                return new QueryResult([], default);
            ThrowOnError(chunk);
            return Read(chunk);
        }
        finally
        {
            Libchdb.DestroyResult(chunk);
        }
    }

    private nint Send(
        Func<nint, string, nuint, string, nuint, string[], nuint[], string[], nuint[], nuint, nint> call,
        string sql,
        string format,
        IReadOnlyList<KeyValuePair<string, string>> parameters
    )
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        string[] names = [.. parameters.Select(parameter => parameter.Key)];
        string[] values = [.. parameters.Select(parameter => parameter.Value)];
        return call(
            connection,
            sql,
            Length(sql),
            format,
            Length(format),
            names,
            [.. names.Select(Length)],
            values,
            [.. values.Select(Length)],
            (nuint)parameters.Count
        );
    }

    private static nuint Length(string text) => (nuint)Encoding.UTF8.GetByteCount(text);

    private static string? Error(nint result) => Marshal.PtrToStringUTF8(Libchdb.ResultError(result));

    private static void ThrowOnError(nint result)
    {
        if (result == 0)
            throw new ClickHouseException(ClickHouseError.StdException, "The engine gave no result.");
        if (Error(result) is { } error)
            throw ClickHouseException.Parse(error);
    }

    private static QueryResult Read(nint result)
    {
        var bytes = new byte[checked((int)Libchdb.ResultLength(result))];
        if (bytes.Length > 0)
            Marshal.Copy(Libchdb.ResultBuffer(result), bytes, 0, bytes.Length);
        return new QueryResult(
            bytes,
            new QuerySummary(
                Libchdb.StorageRowsRead(result),
                Libchdb.StorageBytesRead(result),
                Libchdb.RowsWritten(result),
                Libchdb.BytesWritten(result),
                Libchdb.RowsRead(result),
                Libchdb.BytesRead(result),
                Libchdb.ResultElapsed(result)
            )
        );
    }
}
