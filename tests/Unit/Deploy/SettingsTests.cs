using System.Collections;
using System.Globalization;
using System.Reflection;
using System.Text;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using EventStream.Capacity;
using EventStream.Collect;
using EventStream.Collect.Limits;
using EventStream.Console;
using EventStream.Edge;
using EventStream.Embedded.Broker;
using EventStream.Embedded.ClickHouse;
using EventStream.Encode;
using EventStream.EventStore.Postgres;
using EventStream.Media.S3;
using EventStream.Messaging.Kafka;
using EventStream.Playback;
using EventStream.Qoe;
using EventStream.Tests.Kit;
using EventStream.Traffic;
using EventStream.Upload;
using EventStream.Upload.Pulls;
using EventStream.Upload.Webhooks;
using EventStream.Warehouse;
using EventStream.Warehouse.Sink;

namespace EventStream.Unit.Tests.Deploy;

/// <summary>
/// <c>docs/settings.md</c> lists every setting with its default, as the options and their comments say. <c>make
/// docs</c> writes it.
/// </summary>
[Trait("Category", "Docs")]
public sealed partial class SettingsTests
{
    /// <summary>What is before it in the document is written by hand.</summary>
    private const string Mark = "<!-- generated -->\n";

    private static readonly (string Section, Type Type)[] Sections =
    [
        ("Kafka", typeof(KafkaOptions)),
        ("Postgres", typeof(PostgresOptions)),
        ("Media:S3", typeof(S3Options)),
        ("Upload", typeof(UploadOptions)),
        ("Webhooks", typeof(WebhookOptions)),
        ("Pull", typeof(PullOptions)),
        ("Encode", typeof(EncodeOptions)),
        ("Playback", typeof(PlaybackOptions)),
        ("Edge", typeof(EdgeOptions)),
        ("Traffic", typeof(TrafficOptions)),
        ("Collect", typeof(CollectOptions)),
        ("Collect:Limits", typeof(LimitOptions)),
        ("Qoe", typeof(QoeOptions)),
        ("ClickHouse", typeof(ClickHouseOptions)),
        ("Warehouse", typeof(SinkOptions)),
        ("Capacity", typeof(CapacityOptions)),
        ("Console", typeof(ConsoleOptions)),
        ("Broker", typeof(BrokerOptions)),
        ("ClickHouse", typeof(EmbeddedOptions)),
    ];

    /// <summary>What depends on the machine.</summary>
    private static readonly string[] OfTheMachine =
    [
        Path.GetTempPath().TrimEnd('/'),
        Environment.MachineName,
        AppContext.BaseDirectory.TrimEnd('/'),
    ];

    [Fact]
    public void The_committed_reference_is_what_the_options_say()
    {
        var file = Path.Combine(Checkout.Root, "docs", "settings.md");
        var committed = File.ReadAllText(file);
        var end = committed.IndexOf(Mark, StringComparison.Ordinal) + Mark.Length;
        var text = committed[..end] + string.Concat(Sections.Select(Table));
        if (Environment.GetEnvironmentVariable("EVENTSTREAM_WRITE_DOCS") is not null)
            File.WriteAllText(file, text);
        Assert.True(
            File.ReadAllText(file) == text,
            "docs/settings.md is not what the options say; run `make docs` and commit it."
        );
    }

    [Fact]
    public void Every_record_of_options_that_reads_settings_is_listed()
    {
        var listed = Sections.Select(section => section.Type).ToHashSet();
        var readers =
            from type in Sections.Select(section => section.Type.Assembly).Distinct().SelectMany(one => one.GetTypes())
            where type.Name.EndsWith("Options", StringComparison.Ordinal) && !listed.Contains(type)
            where type.GetMethod("Read") is not null || type.GetMethod("From") is not null
            where type.Name is not ("AccessOptions" or "MediaOptions")
            select type.FullName;
        Assert.Empty(readers);
    }

    private static string Table((string Section, Type Type) options)
    {
        var made = Activator.CreateInstance(options.Type, nonPublic: true)!;
        var comments = XDocument
            .Load(Path.ChangeExtension(options.Type.Assembly.Location, ".xml"))
            .Descendants("member")
            .ToDictionary(member => member.Attribute("name")!.Value, StringComparer.Ordinal);
        var text = new StringBuilder($"\n## {options.Section}");
        text.Append(options.Type == typeof(EmbeddedOptions) ? ", of the role clickhouse\n\n" : "\n\n");
        text.Append("| setting | default | |\n|---|---|---|\n");
        foreach (
            var property in options
                .Type.GetProperties(BindingFlags.Public | BindingFlags.Instance)
                .Where(property => property.SetMethod?.IsPublic == true)
                .OrderBy(property => property.MetadataToken)
        )
        {
            var comment = comments.GetValueOrDefault($"P:{options.Type.FullName}.{property.Name}")?.Element("summary");
            var (key, summary) = Read(property.Name, comment);
            // Addresses are settings of every role.
            if (summary.StartsWith("`Urls:", StringComparison.Ordinal))
                continue;
            if (!key.Contains(':'))
                key = $"{options.Section}:{key}";
            text.Append($"| `{key}` | {Default(key, property.GetValue(made))} | {summary} |\n");
        }

        return text.ToString();
    }

    /// <summary>The key of a property: what its comment begins with as code, else its name.</summary>
    private static (string Key, string Summary) Read(string name, XElement? comment)
    {
        if (comment is null)
            return (name, "");
        var text = Space().Replace(string.Concat(comment.Nodes().Select(Plain)), " ").Trim().Replace("|", "\\|");
        return Named().Match(text) is { Success: true } named
            ? (named.Groups["key"].Value, Capital(named.Groups["rest"].Value))
            : (name, text);
    }

    private static string Plain(XNode node) =>
        node switch
        {
            XText plain => plain.Value,
            XElement { Name.LocalName: "c" } code => $"`{code.Value}`",
            XElement element => $"`{element.Attributes().FirstOrDefault()?.Value.Split('.', ':')[^1]}`",
            _ => "",
        };

    private static string Default(string key, object? value)
    {
        var text = value switch
        {
            null or "" => "–",
            bool flag => flag ? "true" : "false",
            TimeSpan time when key.EndsWith("Ms", StringComparison.Ordinal) => $"{time.TotalMilliseconds}",
            TimeSpan time when key.EndsWith("Seconds", StringComparison.Ordinal) => $"{time.TotalSeconds}",
            TimeSpan time => time.ToString("c", CultureInfo.InvariantCulture),
            string plain => plain,
            IEnumerable => "–",
            IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
            _ => value.GetType().IsValueType ? $"{value}" : "–",
        };
        if (OfTheMachine.Any(own => own.Length > 0 && text.Contains(own, StringComparison.Ordinal)))
            return "of the machine";
        return text == "–" ? text : $"`{text}`";
    }

    private static string Capital(string text) => text.Length > 0 ? char.ToUpperInvariant(text[0]) + text[1..] : text;

    [GeneratedRegex(@"\s+")]
    private static partial Regex Space();

    [GeneratedRegex("^`(?<key>[A-Z][A-Za-z0-9:]*)`: (?<rest>.*)$", RegexOptions.ExplicitCapture)]
    private static partial Regex Named();
}
