using EventStream.EventStore.Privacy;
using EventStream.Hosting;
using Microsoft.Extensions.Configuration;
using Npgsql;

namespace EventStream.EventStore.Postgres;

/// <summary>Where the stores are: <c>Postgres:ConnectionString</c>, and a schema for each service.</summary>
public sealed record PostgresOptions
{
    /// <summary>Longest name that PostgreSQL keeps whole, in bytes.</summary>
    private const int IdentifierMax = 63;

    /// <summary>Statements that a connection keeps prepared.</summary>
    public const int AutoPrepareMax = 64;

    /// <summary>A statement is prepared when it is used so often on one connection.</summary>
    public const int AutoPrepareUsages = 2;

    public required string ConnectionString { get; init; }

    /// <summary>The schema of one service, see <see cref="ForService"/>.</summary>
    public string Schema { get; init; } = "eventstream";

    /// <summary>Where a release before Marten kept its store: <c>Postgres:Schema</c>.</summary>
    public string FormerSchema { get; init; } = "eventstream";

    /// <summary>What stands before every service's schema name, so that platforms can share a database.</summary>
    public string SchemaPrefix { get; init; } = "";

    /// <summary>
    /// Whether roles create and migrate their schema when they start: <c>Postgres:AutoCreate</c>, which is
    /// <c>CreateOrUpdate</c> or, where <c>eventstream store migrate</c> does it, <c>None</c>.
    /// </summary>
    public bool MigrateAtStart { get; init; } = true;

    /// <summary>Connections of this process at most; PostgreSQL pays about 5 MB for each.</summary>
    public int ConnectionsMax { get; init; } = 12;

    /// <summary>
    /// The secret over the keys of personal data: the content of the file <c>Postgres:MasterKeyFile</c>.
    /// </summary>
    public required MasterKey MasterKey { get; init; }

    /// <summary>Reads the settings; adds a sentence to <paramref name="errors"/> for each that is wrong.</summary>
    public static PostgresOptions Read(IConfiguration configuration, ICollection<string> errors)
    {
        var read = new SettingsReader(configuration, "Postgres", errors);
        var text = read.Text("ConnectionString", "");
        if (string.IsNullOrWhiteSpace(text))
            errors.Add("Postgres:ConnectionString is missing: set it, as in 'Host=...;Username=...;Database=...'.");
        else if (!IsConnectionString(text))
            errors.Add("Postgres:ConnectionString cannot be read as key=value pairs of Npgsql.");
        var (schema, prefix) = (read.Text("Schema", "eventstream"), read.Text("SchemaPrefix", ""));
        if (!IsIdentifier(schema))
            errors.Add($"Postgres:Schema '{schema}' must be lower-case letters, digits and '_', a letter first.");
        if (prefix.Length > 0 && !IsIdentifier(prefix))
            errors.Add($"Postgres:SchemaPrefix '{prefix}' must be lower-case letters, digits and '_', a letter first.");
        var create = read.Text("AutoCreate", "CreateOrUpdate");
        if (create is not ("CreateOrUpdate" or "None"))
            errors.Add($"Postgres:AutoCreate '{create}' must be CreateOrUpdate or None.");
        return new PostgresOptions
        {
            ConnectionString = text,
            Schema = schema,
            FormerSchema = schema,
            SchemaPrefix = prefix,
            MigrateAtStart = create == "CreateOrUpdate",
            ConnectionsMax = read.Whole("ConnectionsMax", 12, 4, 200),
            MasterKey = MasterKeyOf(read.Text("MasterKeyFile", ""), errors),
        };
    }

    /// <summary>The same for one service, which has a schema of its own.</summary>
    public PostgresOptions ForService(string name) => this with { Schema = SchemaPrefix + name };

    /// <summary>A pool of connections whose search path is the schema, so that SQL names tables plainly.</summary>
    public NpgsqlDataSource CreateDataSource()
    {
        var builder = new NpgsqlConnectionStringBuilder(ConnectionString)
        {
            SearchPath = Schema,
            MaxPoolSize = ConnectionsMax,
            ApplicationName = "eventstream",
            MaxAutoPrepare = AutoPrepareMax,
            AutoPrepareMinUsages = AutoPrepareUsages,
            NoResetOnClose = true,
        };
        return new NpgsqlDataSourceBuilder(builder.ConnectionString).Build();
    }

    /// <summary>Two connections for keys of persons, see <see cref="SubjectKeys"/>.</summary>
    internal NpgsqlDataSource CreateKeysDataSource() => (this with { ConnectionsMax = 2 }).CreateDataSource();

    /// <summary>Whether a text can be a name in SQL without quotes.</summary>
    internal static bool IsIdentifier(string name) =>
        name.Length is > 0 and <= IdentifierMax
        && char.IsAsciiLetterLower(name[0])
        && name.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '_');

    private static MasterKey MasterKeyOf(string file, ICollection<string> errors)
    {
        if (string.IsNullOrWhiteSpace(file))
        {
            errors.Add(
                "Postgres:MasterKeyFile is missing: name a file with a secret of at least "
                    + $"{MasterKey.SecretMin} characters, the same for every role, as 'openssl rand -hex 32' makes it."
            );
            return MasterKey.Ephemeral();
        }

        try
        {
            return MasterKey.Of(File.ReadAllText(file));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            errors.Add($"Postgres:MasterKeyFile '{file}' cannot be used: {e.Message}");
            return MasterKey.Ephemeral();
        }
    }

    private static bool IsConnectionString(string text)
    {
        try
        {
            return new NpgsqlConnectionStringBuilder(text).Host is not null;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }
}
