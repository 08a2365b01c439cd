namespace EventStream.EventStore.Projections;

/// <summary>
/// A projection into a table of plain columns, one row per key: events say which columns become what, and a batch of
/// them is written with one statement for each set of columns.
/// </summary>
public abstract class FlatTableProjection : Projection
{
    private readonly Dictionary<string, int> ordinals;

    /// <summary>The first column is the key.</summary>
    protected FlatTableProjection(string name, int version, IReadOnlyList<Column> columns)
        : base(name, version)
    {
        if (columns.Count < 2) throw new ArgumentException("A flat table has a key and a column.", nameof(columns));
        Columns = columns;
        ordinals = columns.Select((column, i) => (column.Name, i))
            .ToDictionary(pair => pair.Name, pair => pair.i, StringComparer.Ordinal);
    }

    /// <summary>The columns; the first is the primary key.</summary>
    public IReadOnlyList<Column> Columns { get; }

    /// <summary>More SQL, such as an index.</summary>
    protected virtual string Indexes => "";

    public override string Definition =>
        $$"""
        create table {table} (
            {{string.Join(",\n    ", Columns.Select(column => column.Definition))}},
            primary key ({{Columns[0].Name}})
        );
        {{Indexes}}
        """;

    /// <summary>Says what an event does to the rows. Events that concern no row change nothing.</summary>
    protected abstract void Project(RecordedEvent recorded, FlatRows rows);

    internal override bool Takes(RecordedEvent recorded) => true;

    internal override ProjectionSession Open(SessionOptions options) => new FlatSession(this, options);

    internal void Collect(RecordedEvent recorded, FlatRows rows) => Project(recorded, rows);

    /// <summary>Where a column stands. Throws <see cref="ArgumentException"/> for one that the table lacks.</summary>
    internal int OrdinalOf(string column) =>
        ordinals.TryGetValue(column, out var ordinal) ? ordinal
            : throw new ArgumentException(
                $"'{Name}' has no column '{column}': it has {string.Join(", ", ordinals.Keys)}.", nameof(column));
}

/// <summary>A column of a flat table: its name, its type in PostgreSQL, and what else its definition says.</summary>
public abstract class Column
{
    private protected Column(string name, string type, string constraint) =>
        (Name, Type, Constraint) = (name, type, constraint);

    public string Name { get; }

    /// <summary>The type in PostgreSQL, such as <c>text</c>.</summary>
    public string Type { get; }

    /// <summary>Such as <c>not null</c> or <c>not null default 0</c>.</summary>
    public string Constraint { get; }

    internal string Definition => $"{Name} {Type} {Constraint}".TrimEnd();

    /// <summary>A column of .NET type <typeparamref name="T"/>.</summary>
    public static Column Of<T>(string name, string type, string constraint = "") => new Typed<T>(name, type,
        constraint);

    /// <summary>An array parameter of the column's type with these values.</summary>
    internal abstract Npgsql.NpgsqlParameter ArrayOf(IReadOnlyList<object?> values);

    private sealed class Typed<T>(string name, string type, string constraint) : Column(name, type, constraint)
    {
        internal override Npgsql.NpgsqlParameter ArrayOf(IReadOnlyList<object?> values)
        {
            // An array of a value type holds nulls only as an array of its nullable form.
            if (default(T) is null || values.All(value => value is not null))
                return new Npgsql.NpgsqlParameter { Value = values.Select(value => (T)value!).ToArray() };
            var nullable = Array.CreateInstance(typeof(Nullable<>).MakeGenericType(typeof(T)), values.Count);
            for (var i = 0; i < values.Count; i++) nullable.SetValue(values[i], i);
            return new Npgsql.NpgsqlParameter { Value = nullable };
        }
    }
}

/// <summary>Collects what a batch of events does to the rows of a flat table.</summary>
public sealed class FlatRows
{
    private readonly FlatTableProjection projection;
    private readonly Slice slice;

    internal FlatRows(FlatTableProjection projection, Slice slice) => (this.projection, this.slice) = (projection,
        slice);

    /// <summary>The changes of each key, in order; those of one key that can be one statement are merged.</summary>
    internal Dictionary<object, List<FlatChange>> Changes { get; } = [];

    /// <summary>
    /// Sets columns of a row and inserts it where there is none. Columns without a default must be among them.
    /// </summary>
    public void Upsert(object key, params ReadOnlySpan<(string Column, object? Value)> values) =>
        Set(FlatChangeKind.Upsert, key, values);

    /// <summary>Sets columns of a row where there is one.</summary>
    public void Update(object key, params ReadOnlySpan<(string Column, object? Value)> values) =>
        Set(FlatChangeKind.Update, key, values);

    /// <summary>Adds to columns of type <c>bigint</c> of a row where there is one.</summary>
    public void Add(object key, params ReadOnlySpan<(string Column, long Delta)> deltas) =>
        Add(FlatChangeKind.Update, key, deltas);

    /// <summary>The same, and inserts the row where there is none; the other columns need a default.</summary>
    public void Count(object key, params ReadOnlySpan<(string Column, long Delta)> deltas) =>
        Add(FlatChangeKind.Upsert, key, deltas);

    /// <summary>Deletes a row.</summary>
    public void Delete(object key)
    {
        if (ListOf(key) is not { } list) return;
        list.Clear();
        list.Add(new FlatChange(FlatChangeKind.Delete));
    }

    private void Set(FlatChangeKind kind, object key, ReadOnlySpan<(string Column, object? Value)> values)
    {
        if (ListOf(key) is not { } list) return;
        var change = Open(list, kind, other => other.Deltas.Count == 0);
        foreach (var (column, value) in values) change.Values[projection.OrdinalOf(column)] = value;
    }

    private void Add(FlatChangeKind kind, object key, ReadOnlySpan<(string Column, long Delta)> deltas)
    {
        if (ListOf(key) is not { } list) return;
        var change = Open(list, kind, other => other.Values.Count == 0);
        foreach (var (column, delta) in deltas)
        {
            var ordinal = projection.OrdinalOf(column);
            change.Deltas[ordinal] = change.Deltas.GetValueOrDefault(ordinal) + delta;
        }
    }

    /// <summary>
    /// The last change of the key where one statement can do both: an update after an upsert is part of it, an upsert
    /// after an update is not, as the update changes nothing where there is no row.
    /// </summary>
    private static FlatChange Open(List<FlatChange> list, FlatChangeKind kind, Predicate<FlatChange> fits)
    {
        if (list.Count > 0 && list[^1] is var last && last.Kind != FlatChangeKind.Delete && fits(last)
            && (last.Kind == kind || last.Kind == FlatChangeKind.Upsert)) return last;
        list.Add(new FlatChange(kind));
        return list[^1];
    }

    private List<FlatChange>? ListOf(object key)
    {
        if (!slice.Owns(Convert.ToString(key, System.Globalization.CultureInfo.InvariantCulture) ?? "")) return null;
        if (!Changes.TryGetValue(key, out var list)) Changes.Add(key, list = []);
        return list;
    }
}

internal enum FlatChangeKind
{
    Upsert,
    Update,
    Delete,
}

/// <summary>One statement's worth of a row: columns that are set, or columns that are added to.</summary>
internal sealed record FlatChange(FlatChangeKind Kind)
{
    public SortedDictionary<int, object?> Values { get; } = [];

    public SortedDictionary<int, long> Deltas { get; } = [];

    /// <summary>Changes of the same shape go into the same statement.</summary>
    public string Shape => $"{Kind}:{string.Join(',', Values.Keys)}+{string.Join(',', Deltas.Keys)}";
}
