namespace EventStream.Warehouse.Sql;

/// <summary>
/// What a read-only user may send. The engine's <c>readonly=1</c> refuses writes and table functions, but not the
/// scalar function <c>file</c>, which reads any file of the server, also as <c>arrayMap(file, ...)</c>,
/// <c>APPLY(file)</c> or through an identifier parameter; nor KILL. So the name itself is refused wherever it stands,
/// comments included.
/// </summary>
public static class ReaderRules
{
    /// <summary>Scalar functions that reach outside the database; no column of the schema has such a name.</summary>
    private static readonly HashSet<string> ScalarNames = new(StringComparer.OrdinalIgnoreCase)
    {
        "file", "catboostEvaluate",
    };

    /// <summary>Table functions that reach outside the database; refused where a bracket follows.</summary>
    private static readonly HashSet<string> TableFunctions = new(StringComparer.OrdinalIgnoreCase)
    {
        "fileCluster", "url", "urlCluster", "s3", "s3Cluster", "gcs", "hdfs", "hdfsCluster", "azureBlobStorage",
        "azureBlobStorageCluster", "remote", "remoteSecure", "cluster", "clusterAllReplicas", "mysql", "postgresql", "sqlite",
        "mongodb", "redis", "odbc", "jdbc", "executable", "iceberg", "icebergS3", "icebergLocal", "icebergAzure", "icebergHDFS",
        "deltaLake", "deltaLakeLocal", "deltaLakeS3", "deltaLakeAzure", "hudi", "paimon", "python", "arrowFlight", "ytsaurus",
    };

    /// <summary>The sentence that refuses the statement, or null when a reader may run it.</summary>
    public static string? Refusal(SqlStatement statement, IEnumerable<KeyValuePair<string, string>> parameters)
    {
        if (statement.Kind is not (SqlKind.Select or SqlKind.Show))
            return "A read-only user may send SELECT, SHOW, DESCRIBE, EXISTS and EXPLAIN only.";
        var tokens = statement.Tokens;
        var refused = tokens.SelectMany(NamesIn).FirstOrDefault(ScalarNames.Contains) ?? FirstTableFunction(tokens);
        if (refused is not null)
            return $"The name '{refused}' is refused to read-only users: it reaches outside the database.";
        var identifiers = tokens.Any(token => token.Is("Identifier"));
        var parameter = parameters.FirstOrDefault(pair => identifiers && Outside(pair.Value.Trim('`', '"')));
        return parameter.Key is null
            ? null
            : $"Parameter '{parameter.Key}' names a function that is refused to read-only users.";
    }

    // A backslash starts an escape in a parameter's value, behind which any name may hide.
    private static bool Outside(string name) =>
        ScalarNames.Contains(name) || TableFunctions.Contains(name) || name.Contains('\\');

    private static string? FirstTableFunction(IReadOnlyList<SqlToken> tokens)
    {
        var code = tokens.Where(token => token.Kind != SqlTokenKind.Comment).ToList();
        for (var i = 0; i + 1 < code.Count; i++)
        {
            if (code[i + 1].IsSymbol('(') && TableFunctions.Contains(code[i].Text)) return code[i].Text;
        }

        return null;
    }

    private static IEnumerable<string> NamesIn(SqlToken token) => token.Kind switch
    {
        SqlTokenKind.Word or SqlTokenKind.QuotedIdentifier => [token.Text],
        // A comment by these rules might be code by the engine's, so it is searched like code.
        SqlTokenKind.Comment => token.Text.Split(
            [.. " \t\r\n()[]{}`\"'.,;+-*/#=<>!|"], StringSplitOptions.RemoveEmptyEntries),
        _ => [],
    };
}
