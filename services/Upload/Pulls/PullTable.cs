using EventStream.Contracts;
using EventStream.EventStore.Postgres;
using Npgsql;

namespace EventStream.Upload.Pulls;

/// <summary>
/// A file that is fetched: its address as it is stored, what its server called the bytes when they were begun, and
/// attempts in a row that brought nothing.
/// </summary>
internal sealed record Pull(VideoId VideoId, string Url, string? Validator, int Failures, DateTimeOffset CreatedAt);

/// <summary>Answers: which files are to be fetched, and when? In PostgreSQL, for every replica.</summary>
public sealed class PullTable(NpgsqlDataSource source)
{
    /// <summary>Asks for a file; asked for again, nothing changes.</summary>
    internal Task AskAsync(
        VideoId id,
        string publisher,
        string url,
        DateTimeOffset now,
        CancellationToken cancellation
    ) =>
        ExecuteAsync(
            """
            insert into upload_pulls (video_id, publisher, url, created_at, due_at) values ($1, $2, $3, $4, $4)
            on conflict (video_id) do nothing
            """,
            cancellation,
            id.Value,
            publisher,
            url,
            now
        );

    /// <summary>
    /// At most <paramref name="max"/> files that are due, and of one publisher no more at a time than
    /// <paramref name="perPublisher"/>; they belong to this process until <paramref name="lease"/> is over, or renewed.
    /// </summary>
    internal async Task<IReadOnlyList<Pull>> ClaimAsync(
        DateTimeOffset now,
        TimeSpan lease,
        int max,
        int perPublisher,
        CancellationToken cancellation
    )
    {
        await using var command = source.Command(
            """
            with busy as (
                select publisher, count(*) as running from upload_pulls where busy_until >= $1 group by publisher),
            due as (
                select video_id, due_at, row_number() over (partition by p.publisher order by due_at)
                    + coalesce(running, 0) as place
                from upload_pulls p left join busy using (publisher)
                where due_at <= $1 and (busy_until is null or busy_until < $1))
            update upload_pulls set busy_until = $2 where video_id in (
                select video_id from upload_pulls join due using (video_id)
                where place <= $4 order by due.due_at limit $3 for update of upload_pulls skip locked)
            returning video_id, url, validator, failures, created_at
            """,
            now,
            now + lease,
            max,
            perPublisher
        );
        await using var row = await command.ExecuteReaderAsync(cancellation);
        var claimed = new List<Pull>();
        while (await row.ReadAsync(cancellation))
            claimed.Add(
                new Pull(
                    new VideoId(row.GetGuid(0)),
                    row.GetString(1),
                    row.IsDBNull(2) ? null : row.GetString(2),
                    row.GetInt32(3),
                    row.GetFieldValue<DateTimeOffset>(4)
                )
            );
        return claimed;
    }

    /// <summary>It is being fetched still; false where it has ended meanwhile.</summary>
    internal async Task<bool> RenewAsync(VideoId id, DateTimeOffset until, CancellationToken cancellation) =>
        await ExecuteAsync(
            "update upload_pulls set busy_until = $2 where video_id = $1 and due_at is not null",
            cancellation,
            id.Value,
            until
        ) == 1;

    /// <summary>The bytes that are stored from now on are those of <paramref name="validator"/>.</summary>
    internal Task BeganAsync(VideoId id, string? validator, CancellationToken cancellation) =>
        ExecuteAsync(
            "update upload_pulls set validator = $2::text where video_id = $1",
            cancellation,
            id.Value,
            validator
        );

    /// <summary>An attempt failed; another one follows.</summary>
    internal Task FailedAsync(
        VideoId id,
        int failures,
        string trouble,
        DateTimeOffset dueAt,
        CancellationToken cancellation
    ) =>
        ExecuteAsync(
            """
            update upload_pulls set failures = $2, trouble = $3, due_at = $4, busy_until = null
            where video_id = $1 and due_at is not null
            """,
            cancellation,
            id.Value,
            failures,
            trouble,
            dueAt
        );

    /// <summary>Nothing is to be done for it any more, and its address is forgotten.</summary>
    internal Task EndAsync(VideoId id, CancellationToken cancellation) =>
        ExecuteAsync(
            "update upload_pulls set due_at = null, busy_until = null, url = '' where video_id = $1",
            cancellation,
            id.Value
        );

    private async Task<int> ExecuteAsync(string sql, CancellationToken cancellation, params object?[] values)
    {
        await using var command = source.Command(sql, values);
        return await command.ExecuteNonQueryAsync(cancellation);
    }
}
