using Npgsql;

namespace EventStream.EventStore.Projections;

/// <summary>
/// Writes a batch of a flat table: the first change of every key, then the second ones, and so on; in each turn one
/// statement for all changes that set the same columns.
/// </summary>
internal sealed class FlatSession(FlatTableProjection projection, SessionOptions options) : ProjectionSession
{
    public override async Task ApplyAsync(
        NpgsqlConnection connection, IReadOnlyList<RecordedEvent> events, CancellationToken cancellation)
    {
        var rows = new FlatRows(projection, options.Slice);
        foreach (var recorded in events)
        {
            try
            {
                projection.Collect(recorded, rows);
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                throw new BadEventException(recorded, e);
            }
        }

        await using var batch = new NpgsqlBatch(connection);
        for (var turn = 0; ; turn++)
        {
            // In order of key, so that two inline appends that write the same rows never wait for each other.
            var changes = rows.Changes.Where(pair => pair.Value.Count > turn)
                .Select(pair => (pair.Key, Change: pair.Value[turn])).OrderBy(pair => pair.Key, KeyOrder).ToList();
            if (changes.Count == 0) break;
            foreach (var shape in changes.GroupBy(pair => pair.Change.Shape, StringComparer.Ordinal))
                batch.BatchCommands.Add(Command([.. shape]));
        }

        if (batch.BatchCommands.Count > 0) await batch.ExecuteNonQueryAsync(cancellation);
    }

    private static readonly Comparer<object> KeyOrder = Comparer<object>.Create((a, b) =>
        a is string x && b is string y ? string.CompareOrdinal(x, y) : Comparer<object>.Default.Compare(a, b));

    private NpgsqlBatchCommand Command(List<(object Key, FlatChange Change)> rows)
    {
        var first = rows[0].Change;
        var set = first.Values.Keys.Select(i => projection.Columns[i]).ToList();
        var added = first.Deltas.Keys.Select(i => projection.Columns[i]).ToList();
        var key = projection.Columns[0];
        List<Column> all = [key, .. set, .. added];
        var names = string.Join(", ", all.Select(column => column.Name));
        var arrays = string.Join(", ", all.Select((column, i) => $"${i + 1}::{column.Type}[]"));
        var command = new NpgsqlBatchCommand(first.Kind switch
        {
            FlatChangeKind.Delete =>
                $"delete from {options.Table} as t using unnest({arrays}) as d ({names}) "
                + $"where t.{key.Name} = d.{key.Name}",
            FlatChangeKind.Update =>
                $"update {options.Table} as t set {Assign("d")} from unnest({arrays}) as d ({names}) "
                + $"where t.{key.Name} = d.{key.Name}",
            _ =>
                $"insert into {options.Table} as t ({names}) select * from unnest({arrays}) "
                + $"on conflict ({key.Name}) do update set {Assign("excluded")}",
        });
        command.Parameters.Add(key.ArrayOf(rows.ConvertAll(row => (object?)row.Key)));
        foreach (var ordinal in first.Values.Keys)
            command.Parameters.Add(
                projection.Columns[ordinal].ArrayOf(rows.ConvertAll(row => row.Change.Values[ordinal])));
        foreach (var ordinal in first.Deltas.Keys)
            command.Parameters.Add(new() { Value = rows.Select(row => row.Change.Deltas[ordinal]).ToArray() });
        return command;

        string Assign(string from) => string.Join(
            ", ", set.Select(c => $"{c.Name} = {from}.{c.Name}")
                .Concat(added.Select(c => $"{c.Name} = t.{c.Name} + {from}.{c.Name}")));
    }
}
