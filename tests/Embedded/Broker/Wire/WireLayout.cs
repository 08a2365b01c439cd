using EventStream.Embedded.Broker.Protocol;
using EventStream.Tests.Kit;

namespace EventStream.Embedded.Tests.Broker.Wire;

/// <summary>A field of a layout: its type and, of arrays and structures, what they consist of.</summary>
internal sealed record WireField(string Type, bool MayBeNull, IReadOnlyList<WireField> Parts);

/// <summary>
/// The layout of one request or response in one version, from <c>layouts.txt</c>; that file says what its words mean.
/// It knows nothing of the broker's handlers and so can judge them.
/// </summary>
internal sealed record WireLayout(string Api, bool IsRequest, short Version, bool IsFlexible, WireField Body)
{
    private static readonly Lazy<IReadOnlyList<WireLayout>> Loaded = new(Load);

    public static IReadOnlyList<WireLayout> All => Loaded.Value;

    public static string File { get; } =
        Path.Combine(Checkout.Root, "tests", "Embedded", "Broker", "Wire", "layouts.txt");

    public static WireLayout Find(ApiKey api, bool isRequest, short version) =>
        All.Single(l => l.Api == api.ToString() && l.IsRequest == isRequest && l.Version == version);

    /// <summary>Reads a body of this layout to its end, and throws where it does not fit.</summary>
    public void Check(RequestReader reader)
    {
        reader.Flexible = IsFlexible;
        Read(reader, Body);
        if (reader.Remaining > 0)
            throw new MalformedRequestException($"{reader.Remaining} bytes are left over.");
    }

    private static void Read(RequestReader reader, WireField field)
    {
        switch (field.Type)
        {
            case "{}":
                if (field.MayBeNull && (sbyte)reader.ReadByte() < 0)
                    return;
                foreach (var part in field.Parts)
                    Read(reader, part);
                reader.SkipTags();
                break;
            case "[]":
                var count = field.MayBeNull ? reader.ReadNullableArrayLength() : reader.ReadArrayLength();
                for (; count > 0; count--)
                    Read(reader, field.Parts[0]);
                break;
            case "s":
                if (field.MayBeNull)
                    reader.ReadNullableString();
                else
                    reader.ReadString();
                break;
            case "y" or "r":
                reader.ReadRawBytes();
                break;
            default:
                for (var bytes = SizeOf(field.Type); bytes > 0; bytes--)
                    reader.ReadByte();
                break;
        }
    }

    public static int SizeOf(string type) =>
        type switch
        {
            "b" or "i1" => 1,
            "i2" or "u2" => 2,
            "i4" => 4,
            "i8" or "f8" => 8,
            "id" => 16,
            _ => throw new ArgumentException($"No type is called {type}.", nameof(type)),
        };

    private static List<WireLayout> Load()
    {
        var layouts = new List<WireLayout>();
        foreach (var line in System.IO.File.ReadLines(File))
        {
            if (line.StartsWith('#'))
                continue;
            var colon = line.IndexOf(':', StringComparison.Ordinal);
            var head = line[..colon].Split(' ', '-');
            var text = $"{{{line[(colon + 1)..].Trim()}}}";
            var position = 0;
            var body = Parse(text, ref position);
            for (var version = short.Parse(head[2]); version <= short.Parse(head[3].TrimEnd('~')); version++)
            {
                layouts.Add(new WireLayout(head[0], head[1] == "request", version, head[3].EndsWith('~'), body));
            }
        }
        return layouts;
    }

    private static WireField Parse(string text, ref int position)
    {
        var parts = new List<WireField>();
        string type;
        if (text[position] is '{' or '[')
        {
            var (open, close) = text[position] == '{' ? ('{', '}') : ('[', ']');
            position++;
            while (text[position] != close)
            {
                if (text[position] == ' ')
                    position++;
                else
                    parts.Add(Parse(text, ref position));
            }
            type = $"{open}{close}";
            position++;
        }
        else
        {
            var start = position;
            while (char.IsLetterOrDigit(text[position]))
                position++;
            type = text[start..position];
        }
        var mayBeNull = position < text.Length && text[position] == '?';
        position += mayBeNull ? 1 : 0;
        return new WireField(type, mayBeNull, parts);
    }
}
