using ClickHouse.Driver;
using ClickHouse.Driver.ADO;
using ClickHouse.Driver.ADO.Parameters;
using ClickHouse.Driver.Utility;
using EventStream.Tests.Kit;

namespace EventStream.Embedded.Tests.Integration.ClickHouse;

/// <summary>A database of one test, as ClickHouse's own C# driver sees it, with a table of common types.</summary>
internal sealed class DriverDatabase : IDisposable
{
    public static readonly string[] Columns = ["id", "name", "v", "at", "tags", "kind"];

    private DriverDatabase(EmbeddedClickHouse engine, string name)
    {
        Name = name;
        Writer = new ClickHouseClient(Connection(engine, "default", EmbeddedClickHouse.Password));
        Reader = new ClickHouseClient(Connection(engine, "reader", EmbeddedClickHouse.ReaderPassword));
    }

    public string Name { get; }

    public string Table => $"{Name}.t";

    public ClickHouseClient Writer { get; }

    public ClickHouseClient Reader { get; }

    /// <summary>A thousand rows whose ids add up to 499 500, with what breaks careless parsers.</summary>
    public static object[][] Rows { get; } =
    [
        .. Enumerable
            .Range(0, 1000)
            .Select(i =>
                new object[]
                {
                    (ulong)i,
                    $"n'{i};\n\\",
                    i % 2 == 0 ? null! : i * 0.5,
                    new DateTime(2026, 11, 29, 1, 2, 3, DateTimeKind.Utc),
                    new[] { "a", "b" },
                    $"k{i % 3}",
                }
            ),
    ];

    public static async Task<DriverDatabase> CreateAsync(EmbeddedClickHouse engine)
    {
        var database = new DriverDatabase(engine, $"driver{Guid.NewGuid():N}");
        await database.Writer.ExecuteNonQueryAsync($"CREATE DATABASE {database.Name} ENGINE = Atomic");
        await database.Writer.ExecuteNonQueryAsync(
            $"""
            CREATE TABLE {database.Table} (id UInt64, name String, v Nullable(Float64), at DateTime64(3, 'UTC'),
                tags Array(String), kind LowCardinality(String))
            ENGINE = MergeTree ORDER BY id SETTINGS non_replicated_deduplication_window = 100
            """
        );
        return database;
    }

    public static ClickHouseClientSettings Connection(EmbeddedClickHouse engine, string user, string password) =>
        new()
        {
            Host = engine.Url.Host,
            Port = (ushort)engine.Url.Port,
            Username = user,
            Password = password,
        };

    public static ClickHouseParameterCollection Parameters(params (string Name, object? Value)[] parameters)
    {
        var all = new ClickHouseParameterCollection();
        foreach (var (name, value) in parameters)
            all.AddParameter(name, value!);
        return all;
    }

    /// <summary>The one value of a query, as text.</summary>
    public async Task<string> TextAsync(string sql, ClickHouseParameterCollection? parameters = null) =>
        Convert.ToString(
            await Writer.ExecuteScalarAsync(sql, parameters),
            System.Globalization.CultureInfo.InvariantCulture
        )!;

    /// <summary>How many rows there are and what their ids add up to.</summary>
    public Task<string> CountAsync() =>
        TextAsync($"SELECT concat(toString(count()), ' ', toString(sum(id))) FROM {Table}");

    public void Dispose()
    {
        Writer.Dispose();
        Reader.Dispose();
    }
}
