using System.Security;
using EventStream.Embedded.ClickHouse.Sql;

namespace EventStream.Embedded.ClickHouse;

/// <summary>
/// The engine's own users file: the second lock behind <see cref="AccessRules"/>. The library knows one user, so
/// what a statement may do is a role that its connection takes first; a statement from outside cannot change it.
/// Settings have bounds that no request lifts. The reader is here by name only, so that <c>system.users</c> says, as on
/// a server, that it comes from a configuration file.
/// </summary>
internal static class EngineUsers
{
    /// <summary>Of the process itself: definition of system tables, the killing of queries.</summary>
    public const string Inside = "inside";

    /// <summary>Reads the rows of an INSERT, which are in a file in memory.</summary>
    public const string Rows = "rows";

    public const string Writer = "writer",
        Reader = "reader";

    /// <summary>
    /// Least time between two reports of progress. With none between them the engine only reports: the statement
    /// never ends, nor does its time limit or KILL end it.
    /// </summary>
    public const int ProgressMicrosecondsMin = 10_000;

    /// <summary>The users file as ClickHouse reads it.</summary>
    public static string Xml(EmbeddedOptions options)
    {
        var constants = string.Concat(AccessLists.ConstantSettings.Select(name => $"<{name}><readonly/></{name}>"));
        return $"""
            <clickhouse>
              <profiles><default>
                <max_threads>{options.ThreadsPerQueryMax}</max_threads>
                <constraints>
                  {Bound("max_threads", options.ThreadsPerQueryMax)}
                  {Bound("max_memory_usage", options.QueryBytesMax)}
                  {Bound("max_execution_time", options.QuerySecondsMax)}
                  <interactive_delay><min>{ProgressMicrosecondsMin}</min></interactive_delay>
                  {constants}
                </constraints>
              </default></profiles>
              <quotas><default/></quotas>
              <roles>
                {Role(Inside, "GRANT ALL ON *.*")}
                {Role(Rows, "GRANT READ ON FILE")}
                {Role(Writer, WriterGrants())}
                {Role(Reader, "GRANT SHOW, SELECT, dictGet, CREATE TEMPORARY TABLE ON *.*")}
              </roles>
              <users><default>
                <password></password>
                <networks><ip>::/0</ip></networks>
                <profile>default</profile>
                <quota>default</quota>
                <grants><query>GRANT {Inside}, {Rows}, {Writer}, {Reader}</query></grants>
              </default>
              <{options.ReaderUser}>
                <no_password/>
                <networks><host>none.invalid</host></networks>
                <profile>default</profile>
                <quota>default</quota>
              </{options.ReaderUser}></users>
            </clickhouse>
            """;
    }

    private static IEnumerable<string> WriterGrants()
    {
        yield return "GRANT SHOW, SELECT, INSERT, ALTER, CREATE, DROP, UNDROP TABLE, TRUNCATE, OPTIMIZE, CHECK, "
            + "KILL QUERY, SHOW USERS, dictGet ON *.*";
        yield return "REVOKE INSERT, ALTER, CREATE, DROP, TRUNCATE, OPTIMIZE ON system.*";
        foreach (var engine in AccessLists.Engines.Order())
            yield return $"GRANT TABLE ENGINE ON {engine}";
    }

    private static string Role(string name, params IEnumerable<string> grants) =>
        $"<{name}><grants>{string.Concat(grants.Select(grant => $"<query>{SecurityElement.Escape(grant)}</query>"))}"
        + $"</grants></{name}>";

    private static string Bound(string setting, long most) => $"<{setting}><min>1</min><max>{most}</max></{setting}>";
}
