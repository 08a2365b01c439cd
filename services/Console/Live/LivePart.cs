using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using EventStream.Contracts;

namespace EventStream.Console.Live;

/// <summary>
/// A part of what the operations page shows. Its version grows with every change, and it is rendered at most once per
/// version. Used under the board's lock.
/// </summary>
internal abstract class LivePart
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    };

    private (long Version, string Json) rendered = (-1, "");

    public long Version { get; private set; }

    public void Apply(IMessage message)
    {
        if (Take(message))
            Version++;
    }

    /// <summary>The part as JSON and the version that it shows.</summary>
    public (long Version, string Json) Render()
    {
        if (rendered.Version != Version)
            rendered = (Version, JsonSerializer.Serialize(Picture(), Json));
        return rendered;
    }

    /// <summary>Takes a message; false where it is none of the part's.</summary>
    protected virtual bool Take(IMessage message) => false;

    protected abstract object Picture();

    protected void Changed() => Version++;
}

/// <summary>The newest messages of a type up to a bound, and how many there were in all.</summary>
internal class Latest<T>(int max, Func<T, DateTimeOffset> time) : LivePart
    where T : IMessage
{
    private readonly Queue<T> entries = new();

    public long Count { get; private set; }

    /// <summary>The newest first.</summary>
    public IReadOnlyList<T> Newest => [.. entries.OrderByDescending(time)];

    protected override bool Take(IMessage message)
    {
        if (message is not T entry)
            return false;
        Count++;
        if (entries.Count == max)
            entries.Dequeue();
        entries.Enqueue(entry);
        return true;
    }

    protected override object Picture() => Newest;
}

/// <summary>What a role said last, or why it said nothing.</summary>
internal sealed class UpstreamPart : LivePart
{
    private (string? Json, string? Trouble) said = (null, "not asked yet");

    public void Set(string? json, string? trouble)
    {
        if (said == (json, trouble))
            return;
        said = (json, trouble);
        Changed();
    }

    protected override object Picture()
    {
        try
        {
            return new { trouble = said.Trouble, value = said.Json is null ? null : JsonNode.Parse(said.Json) };
        }
        catch (JsonException e)
        {
            return new { trouble = $"its answer is not JSON: {e.Message}", value = (JsonNode?)null };
        }
    }
}
