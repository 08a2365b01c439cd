namespace EventStream.Embedded.ClickHouse.Sql;

/// <summary>
/// What a statement from outside may use of the engine. What is in none of these lists, or appears in a later engine,
/// is refused until somebody adds it here.
/// </summary>
internal static class AccessLists
{
    /// <summary>Table functions that compute or read tables of this server, and nothing else.</summary>
    public static readonly HashSet<string> TableFunctions = new(StringComparer.OrdinalIgnoreCase)
    {
        "numbers",
        "numbers_mt",
        "zeros",
        "zeros_mt",
        "primes",
        "generateSeries",
        "generate_series",
        "generateRandom",
        "values",
        "view",
        "viewExplain",
        "merge",
        "null",
        "mergeTreeIndex",
        "mergeTreeProjection",
    };

    /// <summary>Engines of tables and databases whose data lies in this server's own folder or in its memory.</summary>
    public static readonly HashSet<string> Engines = new(StringComparer.Ordinal)
    {
        "MergeTree",
        "AggregatingMergeTree",
        "CoalescingMergeTree",
        "CollapsingMergeTree",
        "ReplacingMergeTree",
        "SummingMergeTree",
        "VersionedCollapsingMergeTree",
        "Memory",
        "Null",
        "Log",
        "TinyLog",
        "StripeLog",
        "Merge",
        "Join",
        "Set",
        "Buffer",
        "GenerateRandom",
        "View",
        "MaterializedView",
        "Atomic",
    };

    /// <summary>
    /// Scalar functions that read files or call other servers. The engine has a thousand others, so this list names
    /// what is refused; those of language models all begin with <c>ai</c> and a capital.
    /// </summary>
    public static bool IsOutsideScalar(string name) =>
        name.Equals("file", StringComparison.OrdinalIgnoreCase)
        || name.Equals("catboostEvaluate", StringComparison.OrdinalIgnoreCase)
        || (name.Length > 2 && name.StartsWith("ai", StringComparison.Ordinal) && char.IsAsciiLetterUpper(name[2]));

    /// <summary>Statements that change something and that a writer may send.</summary>
    public static readonly HashSet<string> Writes = new(StringComparer.Ordinal)
    {
        "InsertQuery",
        "CreateQuery",
        "DropQuery",
        "TruncateQuery",
        "AlterQuery",
        "Rename",
        "OptimizeQuery",
        "Set",
        "UseQuery",
        "KillQueryQuery",
        "CheckQuery",
        "DeleteQuery",
        "UpdateQuery",
        "CreateSQLFunctionQuery",
        "DropFunctionQuery",
        "CreateIndexQuery",
        "DropIndexQuery",
        "UndropQuery",
    };

    /// <summary>Settings of a table that place its data elsewhere.</summary>
    public static readonly HashSet<string> PlacementSettings = new(StringComparer.OrdinalIgnoreCase)
    {
        "disk",
        "storage_policy",
        "table_disk",
    };

    /// <summary>Whether no part of a statement may change this setting for itself.</summary>
    public static bool IsBoundSetting(string name) =>
        ConstantSettings.Contains(name)
        || name is "max_execution_time" or "max_memory_usage" or "max_threads" or "interactive_delay" or "readonly";

    /// <summary>Settings of a query that name files or servers, or lift a bound; nobody may change them.</summary>
    public static readonly IReadOnlyList<string> ConstantSettings =
    [
        "format_schema",
        "format_schema_source",
        "output_format_schema",
        "format_template_resultset",
        "format_template_row",
        "input_format_record_errors_file_path",
        "rename_files_after_processing",
        "format_avro_schema_registry_url",
        "allow_introspection_functions",
        "cluster_for_parallel_replicas",
        "engine_file_truncate_on_insert",
        "engine_file_allow_create_multiple_files",
        "into_outfile_create_parent_directories",
        "filesystem_cache_name",
        "storage_file_read_method",
        "allow_archive_path_syntax",
        "allow_ddl",
        "max_memory_usage_for_user",
        "max_concurrent_queries_for_user",
        "max_concurrent_queries_for_all_users",
    ];
}
