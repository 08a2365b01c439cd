using System.Collections.Immutable;

namespace EventStream.Upload;

/// <summary>
/// What a publisher says of a video: its title, tags in the publisher's order, and metadata by name. Equal where all of
/// it is equal.
/// </summary>
public sealed record VideoDescription(
    string Title,
    ImmutableArray<string> Tags,
    ImmutableSortedDictionary<string, string> Metadata
)
{
    /// <summary>Most tags of a video.</summary>
    public const int TagsMax = 30;

    /// <summary>Longest tag, in UTF-16 units.</summary>
    public const int TagLengthMax = 60;

    /// <summary>Most entries of metadata.</summary>
    public const int MetadataMax = 50;

    /// <summary>Longest name of an entry, in characters.</summary>
    public const int NameLengthMax = 60;

    /// <summary>Longest value of an entry, in UTF-16 units.</summary>
    public const int ValueLengthMax = 1000;

    /// <summary>What is said of a video now.</summary>
    public static VideoDescription Of(Video video) => new(video.Title, video.Tags, video.Metadata);

    /// <summary>What is wrong with it and how to mend it, in a sentence; null where it is right.</summary>
    public string? Fault()
    {
        if (Tags.Length > TagsMax)
            return $"tags: there are {Tags.Length}; name at most {TagsMax}.";
        if (Tags.FirstOrDefault(tag => !IsTag(tag)) is { } wrong)
            return $"tags: '{wrong}' is none; a tag is 1 to {TagLengthMax} characters in one line.";
        if (Metadata.Count > MetadataMax)
            return $"metadata: there are {Metadata.Count} entries; keep at most {MetadataMax}.";
        foreach (var (name, value) in Metadata)
        {
            if (name.Length is 0 or > NameLengthMax || !name.All(IsOfName))
                return $"metadata: '{name}' is no name; use 1 to {NameLengthMax} letters, digits, '.', '_' and '-'.";
            if (value.Length > ValueLengthMax)
                return $"metadata: '{name}' has {value.Length} characters; keep it to {ValueLengthMax}.";
            if (value.Any(c => char.IsControl(c) && c is not ('\n' or '\r' or '\t')))
                return $"metadata: '{name}' has control characters; send text.";
        }

        return null;
    }

    public bool Equals(VideoDescription? other) =>
        other is not null
        && Title == other.Title
        && Tags.AsSpan().SequenceEqual(other.Tags.AsSpan())
        && Metadata.SequenceEqual(other.Metadata);

    public override int GetHashCode() => HashCode.Combine(Title, Tags.Length, Metadata.Count);

    /// <summary>Whether a text can be a tag.</summary>
    public static bool IsTag(string text) => text.Length is > 0 and <= TagLengthMax && !text.Any(char.IsControl);

    private static bool IsOfName(char c) => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-';
}
