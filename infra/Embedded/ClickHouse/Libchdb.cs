using System.Runtime.InteropServices;

namespace EventStream.Embedded.ClickHouse;

/// <summary>
/// The C interface of libchdb, the ClickHouse engine as a library. All strings are UTF-8 with an explicit length. The
/// library is never unloaded: it has threads of its own for as long as the process lives.
/// </summary>
internal static partial class Libchdb
{
    private const string Name = "chdb";

    /// <summary>Loads the library from its path; call it once, before all others.</summary>
    public static void Load(string path)
    {
        var library = NativeLibrary.Load(path);
        NativeLibrary.SetDllImportResolver(typeof(Libchdb).Assembly, (name, _, _) => name == Name ? library : 0);
    }

    [LibraryImport(Name, EntryPoint = "chdb_connect", StringMarshalling = StringMarshalling.Utf8)]
    public static partial nint Connect(int count, string[] arguments);

    [LibraryImport(Name, EntryPoint = "chdb_close_conn")]
    public static partial void CloseConnection(nint connection);

    [LibraryImport(Name, EntryPoint = "chdb_query_with_params_n", StringMarshalling = StringMarshalling.Utf8)]
    public static partial nint Query(
        nint connection,
        string sql,
        nuint sqlLength,
        string format,
        nuint formatLength,
        string[] names,
        nuint[] nameLengths,
        string[] values,
        nuint[] valueLengths,
        nuint count
    );

    [LibraryImport(Name, EntryPoint = "chdb_stream_query_with_params_n", StringMarshalling = StringMarshalling.Utf8)]
    public static partial nint StreamQuery(
        nint connection,
        string sql,
        nuint sqlLength,
        string format,
        nuint formatLength,
        string[] names,
        nuint[] nameLengths,
        string[] values,
        nuint[] valueLengths,
        nuint count
    );

    [LibraryImport(Name, EntryPoint = "chdb_stream_fetch_result")]
    public static partial nint StreamFetch(nint connection, nint stream);

    [LibraryImport(Name, EntryPoint = "chdb_stream_cancel_query")]
    public static partial void StreamCancel(nint connection, nint stream);

    [LibraryImport(Name, EntryPoint = "chdb_destroy_query_result")]
    public static partial void DestroyResult(nint result);

    [LibraryImport(Name, EntryPoint = "chdb_result_buffer")]
    public static partial nint ResultBuffer(nint result);

    [LibraryImport(Name, EntryPoint = "chdb_result_length")]
    public static partial nuint ResultLength(nint result);

    [LibraryImport(Name, EntryPoint = "chdb_result_error")]
    public static partial nint ResultError(nint result);

    [LibraryImport(Name, EntryPoint = "chdb_result_elapsed")]
    public static partial double ResultElapsed(nint result);

    [LibraryImport(Name, EntryPoint = "chdb_result_rows_read")]
    public static partial ulong RowsRead(nint result);

    [LibraryImport(Name, EntryPoint = "chdb_result_bytes_read")]
    public static partial ulong BytesRead(nint result);

    [LibraryImport(Name, EntryPoint = "chdb_result_storage_rows_read")]
    public static partial ulong StorageRowsRead(nint result);

    [LibraryImport(Name, EntryPoint = "chdb_result_storage_bytes_read")]
    public static partial ulong StorageBytesRead(nint result);

    [LibraryImport(Name, EntryPoint = "chdb_result_rows_written")]
    public static partial ulong RowsWritten(nint result);

    [LibraryImport(Name, EntryPoint = "chdb_result_bytes_written")]
    public static partial ulong BytesWritten(nint result);
}
