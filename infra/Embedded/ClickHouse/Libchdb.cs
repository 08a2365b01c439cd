using System.Runtime.InteropServices;

namespace EventStream.Embedded.ClickHouse;

/// <summary>
/// The C interface of libchdb, the ClickHouse engine as a library. All strings are UTF-8 with an explicit length. The
/// library is never unloaded: it has threads of its own for as long as the process lives.
/// </summary>
internal sealed unsafe class Libchdb
{
    public Libchdb(string path)
    {
        var library = NativeLibrary.Load(path);
        nint Export(string name) => NativeLibrary.GetExport(library, name);
        Connect = (delegate* unmanaged<int, byte**, nint*>)Export("chdb_connect");
        CloseConnection = (delegate* unmanaged<nint*, void>)Export("chdb_close_conn");
        Query = (delegate* unmanaged<
            nint,
            byte*,
            nuint,
            byte*,
            nuint,
            byte**,
            nuint*,
            byte**,
            nuint*,
            nuint,
            nint>)Export("chdb_query_with_params_n");
        StreamQuery = (delegate* unmanaged<
            nint,
            byte*,
            nuint,
            byte*,
            nuint,
            byte**,
            nuint*,
            byte**,
            nuint*,
            nuint,
            nint>)Export("chdb_stream_query_with_params_n");
        StreamFetch = (delegate* unmanaged<nint, nint, nint>)Export("chdb_stream_fetch_result");
        StreamCancel = (delegate* unmanaged<nint, nint, void>)Export("chdb_stream_cancel_query");
        DestroyResult = (delegate* unmanaged<nint, void>)Export("chdb_destroy_query_result");
        ResultBuffer = (delegate* unmanaged<nint, byte*>)Export("chdb_result_buffer");
        ResultLength = (delegate* unmanaged<nint, nuint>)Export("chdb_result_length");
        ResultError = (delegate* unmanaged<nint, byte*>)Export("chdb_result_error");
        ResultElapsed = (delegate* unmanaged<nint, double>)Export("chdb_result_elapsed");
        RowsRead = (delegate* unmanaged<nint, ulong>)Export("chdb_result_rows_read");
        BytesRead = (delegate* unmanaged<nint, ulong>)Export("chdb_result_bytes_read");
        StorageRowsRead = (delegate* unmanaged<nint, ulong>)Export("chdb_result_storage_rows_read");
        StorageBytesRead = (delegate* unmanaged<nint, ulong>)Export("chdb_result_storage_bytes_read");
        RowsWritten = (delegate* unmanaged<nint, ulong>)Export("chdb_result_rows_written");
        BytesWritten = (delegate* unmanaged<nint, ulong>)Export("chdb_result_bytes_written");
    }

    public readonly delegate* unmanaged<int, byte**, nint*> Connect;
    public readonly delegate* unmanaged<nint*, void> CloseConnection;
    public readonly delegate* unmanaged<
        nint,
        byte*,
        nuint,
        byte*,
        nuint,
        byte**,
        nuint*,
        byte**,
        nuint*,
        nuint,
        nint> Query;
    public readonly delegate* unmanaged<
        nint,
        byte*,
        nuint,
        byte*,
        nuint,
        byte**,
        nuint*,
        byte**,
        nuint*,
        nuint,
        nint> StreamQuery;
    public readonly delegate* unmanaged<nint, nint, nint> StreamFetch;
    public readonly delegate* unmanaged<nint, nint, void> StreamCancel;
    public readonly delegate* unmanaged<nint, void> DestroyResult;
    public readonly delegate* unmanaged<nint, byte*> ResultBuffer;
    public readonly delegate* unmanaged<nint, nuint> ResultLength;
    public readonly delegate* unmanaged<nint, byte*> ResultError;
    public readonly delegate* unmanaged<nint, double> ResultElapsed;
    public readonly delegate* unmanaged<nint, ulong> RowsRead;
    public readonly delegate* unmanaged<nint, ulong> BytesRead;
    public readonly delegate* unmanaged<nint, ulong> StorageRowsRead;
    public readonly delegate* unmanaged<nint, ulong> StorageBytesRead;
    public readonly delegate* unmanaged<nint, ulong> RowsWritten;
    public readonly delegate* unmanaged<nint, ulong> BytesWritten;
}
