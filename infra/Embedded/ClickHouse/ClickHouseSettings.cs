using System.Globalization;
using System.Text.RegularExpressions;

namespace EventStream.Embedded.ClickHouse;

/// <summary>
/// URL parameters of ClickHouse's HTTP interface: those that it understands itself, and all others, which are
/// settings. Names are checked before they become part of a statement, and values are always quoted.
/// </summary>
internal static partial class ClickHouseSettings
{
    /// <summary>
    /// Understood by the interface, or of no meaning for an engine without cluster and progress headers.
    /// </summary>
    private static readonly HashSet<string> Own = new(StringComparer.Ordinal)
    {
        "query",
        "query_id",
        "database",
        "default_format",
        "session_id",
        "session_timeout",
        "session_check",
        "user",
        "password",
        "quota_key",
        "role",
        "enable_http_compression",
        "http_zlib_compression_level",
        "wait_end_of_query",
        "send_progress_in_http_headers",
        "http_headers_progress_interval_ms",
        "buffer_size",
        "compress",
        "decompress",
        "http_write_exception_in_output_format",
        "http_response_headers",
        "close_session",
        "client_protocol_version",
        "cancel_http_readonly_queries_on_client_close",
        "stacktrace",
        "add_http_cors_header",
        "readonly",
    };

    /// <summary>Whether a URL parameter is a setting.</summary>
    public static bool IsSetting(string name) =>
        !Own.Contains(name) && !name.StartsWith("param_", StringComparison.Ordinal);

    /// <summary>
    /// The SET statement of a request, or null without settings. Of a bound and what is asked for, the smaller counts:
    /// drivers send their own time limit with every statement. Throws <see cref="ClickHouseException"/>: 115 for a
    /// name that cannot be one.
    /// </summary>
    public static string? Statement(IReadOnlyList<KeyValuePair<string, string>> settings, EmbeddedOptions options)
    {
        if (settings.Count == 0)
            return null;
        foreach (var (name, _) in settings)
        {
            if (!Name().IsMatch(name))
            {
                throw new ClickHouseException(
                    ClickHouseError.UnknownSetting,
                    $"Neither a setting nor built-in: '{name}'."
                );
            }
        }

        return "SET "
            + string.Join(
                ", ",
                settings.Select(setting => $"{setting.Key}={Quote(Bounded(setting.Key, setting.Value, options))}")
            );
    }

    /// <summary>A value as a string literal, which the engine reads for settings of every type.</summary>
    public static string Quote(string value) => "'" + value.Replace("\\", "\\\\").Replace("'", "\\'") + "'";

    private static string Bounded(string name, string asked, EmbeddedOptions options)
    {
        if (name == "interactive_delay" && long.TryParse(asked, CultureInfo.InvariantCulture, out var delay))
            return Math.Max(delay, EngineUsers.ProgressMicrosecondsMin).ToString(CultureInfo.InvariantCulture);
        long? bound = name switch
        {
            "max_execution_time" => options.QuerySecondsMax,
            "max_memory_usage" => options.QueryBytesMax,
            "max_threads" => options.ThreadsPerQueryMax,
            _ => null,
        };
        if (bound is not { } most)
            return asked;
        // 0 is ClickHouse's word for no bound at all; what is no number the engine refuses by itself.
        if (!double.TryParse(asked, CultureInfo.InvariantCulture, out var number))
            return asked;
        return number <= 0 || number > most ? most.ToString(CultureInfo.InvariantCulture) : asked;
    }

    [GeneratedRegex("^[a-zA-Z_][a-zA-Z0-9_]{0,127}$")]
    private static partial Regex Name();
}
