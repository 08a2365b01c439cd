using ClickHouse.Driver;
using EventStream.Warehouse.Sink.Rows;

namespace EventStream.Warehouse.Sink;

/// <summary>The rows of one table in a batch, each with the record that it came from.</summary>
public abstract class TableBatch(string table)
{
    public string Table { get; } = table;

    public abstract int Rows { get; }

    /// <summary>A row; its public properties are the columns.</summary>
    public abstract StoredRow this[int row] { get; }

    /// <summary>The same rows, ordered by topic, partition and offset.</summary>
    public abstract TableBatch InRecordOrder();

    /// <summary>The same rows but one.</summary>
    public abstract TableBatch Without(int row);

    /// <summary>
    /// Inserts <paramref name="count"/> rows from <paramref name="start"/> on, as one block or not at all. Throws what
    /// <see cref="Inserts.InsertOnceAsync"/> throws.
    /// </summary>
    public abstract Task InsertAsync(
        IClickHouseClient client,
        int start,
        int count,
        string token,
        CancellationToken cancellation
    );
}

/// <summary>The same with the type of the rows, which the driver writes without boxing.</summary>
internal sealed class TableBatch<TRow>(string table, List<TRow> rows) : TableBatch(table)
    where TRow : StoredRow
{
    public override int Rows => rows.Count;

    public override StoredRow this[int row] => rows[row];

    public void Add(TRow row) => rows.Add(row);

    public override TableBatch InRecordOrder() =>
        new TableBatch<TRow>(
            Table,
            [
                .. rows.OrderBy(row => row.Record.Topic, StringComparer.Ordinal)
                    .ThenBy(row => row.Record.Partition)
                    .ThenBy(row => row.Record.Offset),
            ]
        );

    public override TableBatch Without(int row) => new TableBatch<TRow>(Table, [.. rows.Where((_, i) => i != row)]);

    public override Task InsertAsync(
        IClickHouseClient client,
        int start,
        int count,
        string token,
        CancellationToken cancellation
    ) => client.InsertOnceAsync(Table, rows.GetRange(start, count), token, cancellation);
}
