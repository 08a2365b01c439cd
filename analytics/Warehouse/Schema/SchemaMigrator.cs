using System.Globalization;
using System.Reflection;
using ClickHouse.Driver;

namespace EventStream.Warehouse.Schema;

/// <summary>One numbered script of the schema.</summary>
public sealed record SchemaScript(int Version, string Name, IReadOnlyList<string> Statements)
{
    /// <summary>Every embedded script, in order.</summary>
    public static IReadOnlyList<SchemaScript> All { get; } = ReadAll();

    private static List<SchemaScript> ReadAll()
    {
        var assembly = Assembly.GetExecutingAssembly();
        return assembly
            .GetManifestResourceNames()
            .Where(name => name.EndsWith(".sql", StringComparison.Ordinal))
            .Order(StringComparer.Ordinal)
            .Select(name =>
            {
                using var reader = new StreamReader(assembly.GetManifestResourceStream(name)!);
                var version = int.Parse(name.AsSpan(0, name.IndexOf('_')), CultureInfo.InvariantCulture);
                return new SchemaScript(version, name, Split(reader.ReadToEnd()));
            })
            .ToList();
    }

    /// <summary>
    /// A statement of our scripts ends with a semicolon at the end of a line; lines of comment stand outside of them.
    /// </summary>
    private static List<string> Split(string script)
    {
        var lines = script.Split('\n').Where(line => !line.StartsWith("--", StringComparison.Ordinal));
        return
        [
            .. string.Join('\n', lines)
                .Split(";\n", StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries),
        ];
    }
}

/// <summary>
/// Brings a ClickHouse to the schema of this build. Every statement may run again: it creates what is missing and
/// replaces views, so that two roles may do it at once and a half-applied schema heals at the next start.
/// </summary>
public static class SchemaMigrator
{
    /// <summary>
    /// Applies all scripts. Throws <see cref="ClickHouseServerException"/> and <see cref="HttpRequestException"/>.
    /// </summary>
    public static async Task ApplyAsync(IClickHouseClient client, CancellationToken cancellation)
    {
        foreach (var script in SchemaScript.All)
        {
            foreach (var statement in script.Statements)
                await client.ExecuteNonQueryAsync(statement, cancellationToken: cancellation);
        }

        var scripts = string.Join(", ", SchemaScript.All.Select(script => $"({script.Version}, '{script.Name}')"));
        await client.ExecuteNonQueryAsync(
            $"""
            INSERT INTO es.schema_versions (version, name)
            SELECT version, name FROM values('version UInt32, name String', {scripts})
            WHERE version NOT IN (SELECT version FROM es.schema_versions)
            """,
            cancellationToken: cancellation
        );
    }
}
