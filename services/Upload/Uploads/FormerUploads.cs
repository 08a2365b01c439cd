using EventStream.EventStore.Postgres;
using Npgsql;

namespace EventStream.Upload.Uploads;

/// <summary>
/// Uploads of a release before Marten, which kept its table in the store's own schema. They are carried over with the
/// events, so that a file in transit can be gone on with and quotas count what is held.
/// </summary>
public static class FormerUploads
{
    private const string Columns =
        "video_id, publisher, length_bytes, metadata, sha256, state, trace_parent, created_at, expires_at, kind, "
        + "parts, final_id";

    /// <summary>
    /// Copies what is missing, where the database has the former schema, and returns how many rows that were.
    /// </summary>
    public static async Task<int> CarryOverAsync(NpgsqlDataSource source, string former, CancellationToken cancellation)
    {
        await using var find = source.Command("select to_regclass($1) is not null", $"{former}.uploads");
        if (!(bool)(await find.ExecuteScalarAsync(cancellation))!)
            return 0;
        await using var copy = source.CreateCommand(
            $"""
            insert into uploads ({Columns}) select {Columns} from {former}.uploads on conflict (video_id) do nothing
            """
        );
        return await copy.ExecuteNonQueryAsync(cancellation);
    }
}
