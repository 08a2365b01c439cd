using System.Reflection;
using System.Text;
using Npgsql;

namespace EventStream.EventStore.Postgres;

/// <summary>
/// Brings a schema to what the code expects: numbered <c>.sql</c> files embedded in an assembly, each applied once,
/// in order, in one transaction under a lock, so that it may run twice and in many processes at the same time.
/// </summary>
public sealed class Migrator(NpgsqlDataSource source, string schema)
{
    /// <summary>
    /// Applies what is missing of a module, such as <c>store</c>: the files of <paramref name="assembly"/> whose
    /// resource name is below <paramref name="folder"/>. Throws <see cref="SchemaMismatchException"/> when the schema
    /// is newer than the code or an applied file was changed since.
    /// </summary>
    public async Task ApplyAsync(string module, Assembly assembly, string folder, CancellationToken cancellation)
    {
        var files = Read(assembly, folder);
        await using var connection = await source.OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        await Execute(
            connection,
            $"select pg_advisory_xact_lock(hashtextextended('migrate:{schema}', 0))",
            cancellation
        );
        await Execute(connection, $"create schema if not exists {schema}", cancellation);
        await Execute(connection, CreateHistory, cancellation);
        var applied = await AppliedAsync(connection, module, cancellation);
        Check(module, files, applied);
        foreach (var file in files.Where(file => !applied.ContainsKey(file.Number)))
        {
            await Execute(connection, file.Sql, cancellation);
            await Execute(
                connection,
                "insert into migrations values ($1, $2, $3, $4)",
                cancellation,
                module,
                file.Number,
                file.Name,
                file.Hash
            );
        }

        await transaction.CommitAsync(cancellation);
    }

    private const string CreateHistory = """
        create table if not exists migrations (
            module text not null, number int not null, name text not null, hash text not null,
            applied_at timestamptz not null default clock_timestamp(), primary key (module, number))
        """;

    private void Check(string module, List<SqlFile> files, Dictionary<int, string> applied)
    {
        var newest = files.Count == 0 ? 0 : files[^1].Number;
        if (applied.Count > 0 && applied.Keys.Max() > newest)
            throw new SchemaMismatchException(
                $"Schema '{schema}' has step {applied.Keys.Max()} of '{module}' and this program knows {newest}: "
                    + "update the program."
            );
        foreach (var file in files)
        {
            if (applied.TryGetValue(file.Number, out var hash) && hash != file.Hash)
                throw new SchemaMismatchException(
                    $"'{file.Name}' was changed after schema '{schema}' applied it: put it back and add a new file."
                );
        }
    }

    private static async Task<Dictionary<int, string>> AppliedAsync(
        NpgsqlConnection connection,
        string module,
        CancellationToken cancellation
    )
    {
        await using var command = new NpgsqlCommand(
            "select number, hash from migrations where module = $1",
            connection
        ).With(module);
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var applied = new Dictionary<int, string>();
        while (await reader.ReadAsync(cancellation))
            applied.Add(reader.GetInt32(0), reader.GetString(1));
        return applied;
    }

    private static async Task Execute(
        NpgsqlConnection connection,
        string sql,
        CancellationToken cancellation,
        params object?[] values
    )
    {
        await using var command = new NpgsqlCommand(sql, connection).With(values);
        await command.ExecuteNonQueryAsync(cancellation);
    }

    private static List<SqlFile> Read(Assembly assembly, string folder)
    {
        var prefix = $"{folder}/";
        return assembly
            .GetManifestResourceNames()
            .Where(name =>
                name.StartsWith(prefix, StringComparison.Ordinal) && name.EndsWith(".sql", StringComparison.Ordinal)
            )
            .Order(StringComparer.Ordinal)
            .Select(name => Load(assembly, name, name[prefix.Length..]))
            .ToList();
    }

    private static SqlFile Load(Assembly assembly, string resource, string name)
    {
        using var reader = new StreamReader(assembly.GetManifestResourceStream(resource)!, Encoding.UTF8);
        var sql = reader.ReadToEnd();
        var hash = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(Encoding.UTF8.GetBytes(sql)));
        return new SqlFile(int.Parse(name[..name.IndexOf('_')]), name, sql, hash);
    }

    private sealed record SqlFile(int Number, string Name, string Sql, string Hash);
}

/// <summary>The schema and the program do not belong together; the message says which of them to change.</summary>
public sealed class SchemaMismatchException(string message) : Exception(message);
