using System.Collections;
using System.Linq.Expressions;
using System.Reflection;
using System.Text.Json;

namespace EventStream.Warehouse.Sink.Rows;

/// <summary>
/// A table and the record behind its rows: each property is a column, by its name in snake case. The properties of a
/// record inside it are columns too; a list of records is none, for it has a table of its own. Every row ends with the
/// record of the topic that it came from.
/// </summary>
public sealed class Table
{
    /// <summary>The one text that may be NULL. Any other that an old shape of a message lacks is ''.</summary>
    private const string NullableText = "error";

    // The range of DateTime64; a time outside would fail the whole batch for the sake of one bad clock.
    private static readonly DateTimeOffset TimeMin = new(1970, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly DateTimeOffset TimeMax = new(2105, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private static readonly (string Name, string Property)[] Origin =
    [
        ("event_id", nameof(SinkRecord.EventId)),
        ("k_topic", nameof(SinkRecord.Topic)),
        ("k_partition", nameof(SinkRecord.Partition)),
        ("k_offset", nameof(SinkRecord.Offset)),
    ];

    private static readonly MethodInfo Need = typeof(Table).GetMethod(
        nameof(Needed),
        BindingFlags.NonPublic | BindingFlags.Static
    )!;

    private static readonly object True = true,
        False = false;

    private readonly Func<object, SinkRecord, object?[]> read;

    public Table(string name, Type row)
    {
        Name = name;
        Row = row;
        var (any, record) = (Expression.Parameter(typeof(object)), Expression.Parameter(typeof(SinkRecord)));
        var columns = Properties(Expression.Convert(any, row))
            .Concat(Origin.Select(column => (column.Name, Value: Boxed(Expression.Property(record, column.Property)))))
            .ToList();
        Columns = [.. columns.Select(column => column.Name)];
        var values = Expression.NewArrayInit(typeof(object), columns.Select(column => column.Value));
        read = Expression.Lambda<Func<object, SinkRecord, object?[]>>(values, any, record).Compile();
    }

    /// <summary>Its name with the database, such as <c>es.beacons</c>.</summary>
    public string Name { get; }

    /// <summary>The type of the record behind a row.</summary>
    public Type Row { get; }

    public IReadOnlyList<string> Columns { get; }

    /// <summary>
    /// The values of a row in the order of <see cref="Columns"/>. Throws <see cref="InvalidOperationException"/> where
    /// the row lacks a record that it should have.
    /// </summary>
    public StoredRow Read(object row, SinkRecord record) => new(record, read(row, record));

    private static IEnumerable<(string Name, Expression Value)> Properties(Expression row)
    {
        foreach (var property in row.Type.GetProperties(BindingFlags.Public | BindingFlags.Instance))
        {
            var name = JsonNamingPolicy.SnakeCaseLower.ConvertName(property.Name);
            var type = property.PropertyType;
            var value = Expression.Property(row, property);
            if (name != NullableText && Conversion(type) is { } conversion)
                yield return (name, Expression.Call(conversion, value));
            else if (name == NullableText || type.IsValueType)
                yield return (name, Boxed(value));
            else if (!typeof(IEnumerable).IsAssignableFrom(type))
            {
                var member = Expression.Call(Need.MakeGenericMethod(type), value, Expression.Constant(name));
                foreach (var inner in Properties(member))
                    yield return inner;
            }
        }
    }

    private static Expression Boxed(Expression value) => Expression.Convert(value, typeof(object));

    private static MethodInfo? Conversion(Type type) =>
        typeof(Table).GetMethod(
            nameof(Value),
            BindingFlags.NonPublic | BindingFlags.Static | BindingFlags.ExactBinding,
            [type]
        );

    private static T Needed<T>(T? member, string name)
        where T : class => member ?? throw new InvalidOperationException($"there is no {name}");

    private static object Value(string? text) => text ?? "";

    /// <summary>A number, or 0 for what is none.</summary>
    private static object Value(double number) => double.IsFinite(number) ? number : 0.0;

    /// <summary>A number, or NULL for what is not known and for what is no number.</summary>
    private static object? Value(double? number) => number is { } known && double.IsFinite(known) ? known : null;

    /// <summary>A time; outside 1970 to 2105 the nearest bound, which is what ClickHouse's DateTime can hold.</summary>
    private static object Value(DateTimeOffset time) =>
        (
            time < TimeMin ? TimeMin
            : time > TimeMax ? TimeMax
            : time
        ).UtcDateTime;

    private static object Value(bool flag) => flag ? True : False;

    private static object Value(IReadOnlyList<string>? texts) =>
        texts is null ? Array.Empty<string>() : texts.Select(text => text ?? "").ToArray();

    private static object Value(IReadOnlyDictionary<string, double>? numbers) =>
        (numbers ?? new Dictionary<string, double>()).ToDictionary(pair => pair.Key, pair => (double)Value(pair.Value));
}

/// <summary>The values of a row, and the record that it came from.</summary>
public sealed record StoredRow(SinkRecord Record, object?[] Values);

/// <summary>Rows of one table.</summary>
public sealed record TableBatch(Table Table, IReadOnlyList<StoredRow> Rows)
{
    /// <summary>The same rows, ordered by topic, partition and offset.</summary>
    public TableBatch InRecordOrder() =>
        this with
        {
            Rows =
            [
                .. Rows.OrderBy(row => row.Record.Topic, StringComparer.Ordinal)
                    .ThenBy(row => row.Record.Partition)
                    .ThenBy(row => row.Record.Offset),
            ],
        };

    /// <summary>The same rows but one.</summary>
    public TableBatch Without(int row) => this with { Rows = [.. Rows.Where((_, index) => index != row)] };

    /// <summary>Some of the rows.</summary>
    public TableBatch Part(int start, int count) => this with { Rows = [.. Rows.Skip(start).Take(count)] };
}
