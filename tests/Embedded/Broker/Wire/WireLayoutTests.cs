using System.Diagnostics;
using System.Net;
using System.Text.RegularExpressions;
using EventStream.Embedded.Broker.Apis;
using EventStream.Tests.Kit;

namespace EventStream.Embedded.Tests.Broker.Wire;

/// <summary>The layouts that judge the broker are those of Apache Kafka.</summary>
public sealed partial class WireLayoutTests
{
    [Fact]
    public void Every_version_that_is_served_has_a_layout_of_the_same_encoding()
    {
        foreach (var entry in ApiTable.Entries)
        {
            for (var version = entry.Min; version <= entry.Max; version++)
            {
                foreach (var isRequest in (bool[])[true, false])
                {
                    // The answer to ApiVersions has the old header and the body of its version.
                    var layout = WireLayout.Find(entry.Key, isRequest, version);
                    Assert.True(layout.IsFlexible == version >= entry.FlexibleSince, $"{entry.Key} {version}");
                }
            }
        }
    }

    [ApacheKafkaFact]
    public async Task The_layouts_are_those_of_Apache_Kafka()
    {
        var theirs = Convert(await DescribeAsync());
        foreach (var ours in WireLayout.All)
        {
            var key = (ours.Api, ours.IsRequest, ours.Version);
            Assert.True(theirs.TryGetValue(key, out var body), $"{key} is not in Apache Kafka");
            Assert.Equal($"{key} {body}", $"{key} {Text(ours.Body)}");
        }
    }

    /// <summary>Kafka's clients can print the layouts of their messages as a page.</summary>
    private static async Task<string> DescribeAsync()
    {
        var libraries = Path.Combine(Path.GetDirectoryName(ApacheKafka.Command)!, "libs", "*");
        var start = new ProcessStartInfo(
            "java",
            ["-Xmx256m", "-cp", libraries, "org.apache.kafka.common.protocol.Protocol"]
        )
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
        };
        using var java = Process.Start(start)!;
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        return WebUtility.HtmlDecode(await java.StandardOutput.ReadToEndAsync(limit.Token));
    }

    private static Dictionary<(string, bool, short), string> Convert(string page)
    {
        var layouts = new Dictionary<(string, bool, short), string>();
        foreach (Match message in Message().Matches(page.Replace("<tag: ", "<tag:", StringComparison.Ordinal)))
        {
            var lines = new Queue<string>(message.Groups["lines"].Value.Split('\n'));
            var key = (
                message.Groups["api"].Value,
                message.Groups["kind"].Value == "Request",
                short.Parse(message.Groups["version"].Value)
            );
            layouts[key] = $"{{{Fields(message.Groups["fields"].Value, lines)}}}";
        }
        return layouts;
    }

    /// <summary>The fields of a structure, each of which has a line of its own below, in the same order.</summary>
    private static string Fields(string names, Queue<string> lines)
    {
        var fields = new List<string>();
        foreach (var name in names.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            var type = lines.Dequeue().Split(" => ", 2)[1];
            var field = type.TrimEnd().EndsWith('}')
                ? $"{{{Fields(type.TrimStart('?').Trim('{', '}', ' '), lines)}}}{(type[0] == '?' ? "?" : "")}"
                : Word(type);
            var isArray = name.TrimStart('?')[0] is '[' or '(';
            if (!name.Contains("<tag:", StringComparison.Ordinal))
            {
                fields.Add(isArray ? $"[{field}]{(name[0] == '?' ? "?" : "")}" : field);
            }
        }
        return string.Join(' ', fields);
    }

    private static string Word(string type) =>
        type.Replace("COMPACT_", "", StringComparison.Ordinal) switch
        {
            "BOOLEAN" => "b",
            "INT8" => "i1",
            "INT16" => "i2",
            "UINT16" => "u2",
            "INT32" => "i4",
            "INT64" => "i8",
            "FLOAT64" => "f8",
            "UUID" => "id",
            "STRING" => "s",
            "NULLABLE_STRING" => "s?",
            "BYTES" => "y",
            "NULLABLE_BYTES" => "y?",
            "RECORDS" or "NULLABLE_RECORDS" => "r",
            _ => throw new FormatException($"Apache Kafka has a type {type} that the layouts have no word for."),
        };

    private static string Text(WireField field)
    {
        var parts = string.Join(' ', field.Parts.Select(Text));
        var text = field.Type switch
        {
            "{}" => $"{{{parts}}}",
            "[]" => $"[{parts}]",
            _ => field.Type,
        };
        return text + (field.MayBeNull ? "?" : "");
    }

    [GeneratedRegex(
        @"<pre>(?<api>\w+) (?<kind>Request|Response) \(Version: (?<version>\d+)\) => "
            + @"\{(?<fields>[^\n]*)\}\n(?<lines>[^/]*)</pre>",
        RegexOptions.ExplicitCapture,
        10_000
    )]
    private static partial Regex Message();
}
