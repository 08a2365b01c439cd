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

/// <summary>
/// One connection to the engine. It runs one statement at a time and blocks the calling thread; settings, the current
/// database and temporary tables are its own. Opening one costs about a millisecond, so most serve one request and
/// are thrown away.
/// </summary>
internal sealed unsafe class ChdbConnection : IDisposable
{
    private readonly Libchdb library;
    private nint* connection;

    private ChdbConnection(Libchdb library, nint* connection)
    {
        this.library = library;
        this.connection = connection;
    }

    /// <summary>
    /// Opens a connection, or returns null when the engine refuses (another path or another process holds it).
    /// </summary>
    public static ChdbConnection? Open(Libchdb library, IReadOnlyList<string> arguments)
    {
        using var texts = new NativeTexts(arguments);
        var opened = library.Connect(arguments.Count, texts.Pointers);
        return opened == null || *opened == 0 ? null : new ChdbConnection(library, opened);
    }

    /// <summary>Runs a statement whose result is of no interest. Throws <see cref="ClickHouseException"/>.</summary>
    public void Run(string sql) => Run(sql, "Null", [], static _ => { });

    /// <summary>
    /// Runs a statement and hands its whole result to <paramref name="use"/> while the engine's buffer lives. Throws
    /// <see cref="ClickHouseException"/>.
    /// </summary>
    public QuerySummary Run(
        string sql,
        string format,
        IReadOnlyList<KeyValuePair<string, string>> parameters,
        ResultReader use
    )
    {
        var result = Send(library.Query, sql, format, parameters);
        try
        {
            ThrowOnError(result);
            use(Bytes(result));
            return Summary(result);
        }
        finally
        {
            library.DestroyResult(result);
        }
    }

    /// <summary>
    /// Starts a SELECT whose result comes in chunks. Only formats without header and footer may be streamed, because
    /// each chunk is a document of its own. Throws <see cref="ClickHouseException"/>.
    /// </summary>
    public ChdbStream Stream(string sql, string format, IReadOnlyList<KeyValuePair<string, string>> parameters)
    {
        var result = Send(library.StreamQuery, sql, format, parameters);
        try
        {
            ThrowOnError(result);
        }
        catch
        {
            library.DestroyResult(result);
            throw;
        }

        return new ChdbStream(this, result);
    }

    public void Dispose()
    {
        if (connection == null)
            return;
        library.CloseConnection(connection);
        connection = null;
    }

    /// <summary>
    /// The next chunk, empty at the end. Throws <see cref="ClickHouseException"/> when the query failed meanwhile.
    /// </summary>
    internal bool Fetch(nint stream, ResultReader use, ref QuerySummary summary)
    {
        var chunk = library.StreamFetch(*connection, stream);
        if (chunk == 0)
            return false;
        try
        {
            if (IsPastEnd(chunk))
                return false;
            ThrowOnError(chunk);
            summary += Summary(chunk);
            var bytes = Bytes(chunk);
            if (bytes.IsEmpty)
                return false;
            use(bytes);
            return true;
        }
        finally
        {
            library.DestroyResult(chunk);
        }
    }

    internal void End(nint stream, bool cancel)
    {
        if (cancel)
            library.StreamCancel(*connection, stream);
        library.DestroyResult(stream);
    }

    private nint Send(
        delegate* unmanaged<nint, byte*, nuint, byte*, nuint, byte**, nuint*, byte**, nuint*, nuint, nint> call,
        string sql,
        string format,
        IReadOnlyList<KeyValuePair<string, string>> parameters
    )
    {
        ObjectDisposedException.ThrowIf(connection == null, this);
        var text = Encoding.UTF8.GetBytes(sql);
        var name = Encoding.UTF8.GetBytes(format);
        using var keys = new NativeTexts(parameters.Select(parameter => parameter.Key));
        using var values = new NativeTexts(parameters.Select(parameter => parameter.Value));
        fixed (
            byte* textPointer = text,
                namePointer = name
        )
        {
            return call(
                *connection,
                textPointer,
                (nuint)text.Length,
                namePointer,
                (nuint)name.Length,
                keys.Pointers,
                keys.Lengths,
                values.Pointers,
                values.Lengths,
                (nuint)parameters.Count
            );
        }
    }

    /// <summary>The engine forgets a stream whose only chunk was its last and says so when asked again.</summary>
    private bool IsPastEnd(nint chunk) =>
        library.ResultError(chunk) is var error and not null
        && Marshal.PtrToStringUTF8((nint)error) == "No active streaming query";

    private void ThrowOnError(nint result)
    {
        if (result == 0)
            throw ClickHouseException.Of(1001, "STD_EXCEPTION", "The engine gave no result.");
        var error = library.ResultError(result);
        if (error != null)
            throw ClickHouseException.Parse(Marshal.PtrToStringUTF8((nint)error) ?? "");
    }

    private ReadOnlySpan<byte> Bytes(nint result)
    {
        var length = library.ResultLength(result);
        return length == 0 ? default : new ReadOnlySpan<byte>(library.ResultBuffer(result), checked((int)length));
    }

    private QuerySummary Summary(nint result) =>
        new(
            library.StorageRowsRead(result),
            library.StorageBytesRead(result),
            library.RowsWritten(result),
            library.BytesWritten(result),
            library.RowsRead(result),
            library.BytesRead(result),
            library.ResultElapsed(result)
        );
}

/// <summary>Reads bytes that are valid only during the call.</summary>
internal delegate void ResultReader(ReadOnlySpan<byte> bytes);

/// <summary>A running SELECT. Disposing it before the last chunk cancels it.</summary>
internal sealed class ChdbStream(ChdbConnection connection, nint result) : IDisposable
{
    private bool ended;
    private bool disposed;
    private QuerySummary summary;

    /// <summary>What it cost until now.</summary>
    public QuerySummary Summary => summary;

    /// <summary>
    /// Hands the next chunk to <paramref name="use"/>; false at the end. Throws <see cref="ClickHouseException"/>.
    /// </summary>
    public bool Next(ResultReader use)
    {
        if (ended)
            return false;
        try
        {
            ended = !connection.Fetch(result, use, ref summary);
        }
        catch
        {
            ended = true;
            throw;
        }

        return !ended;
    }

    public void Dispose()
    {
        if (disposed)
            return;
        disposed = true;
        connection.End(result, cancel: !ended);
    }
}

/// <summary>Texts as arrays of UTF-8 pointers and lengths, for one call.</summary>
internal sealed unsafe class NativeTexts : IDisposable
{
    private readonly int count;

    public NativeTexts(IEnumerable<string> texts)
    {
        var all = texts.Select(Encoding.UTF8.GetBytes).ToList();
        count = all.Count;
        Pointers = (byte**)NativeMemory.AllocZeroed((nuint)count + 1, (nuint)sizeof(byte*));
        Lengths = (nuint*)NativeMemory.AllocZeroed((nuint)count + 1, (nuint)sizeof(nuint));
        for (var i = 0; i < count; i++)
        {
            Pointers[i] = (byte*)NativeMemory.AllocZeroed((nuint)all[i].Length + 1);
            all[i].CopyTo(new Span<byte>(Pointers[i], all[i].Length));
            Lengths[i] = (nuint)all[i].Length;
        }
    }

    public byte** Pointers { get; }

    public nuint* Lengths { get; }

    public void Dispose()
    {
        for (var i = 0; i < count; i++)
            NativeMemory.Free(Pointers[i]);
        NativeMemory.Free(Pointers);
        NativeMemory.Free(Lengths);
    }
}
