namespace EventStream.EventStore;

/// <summary>What a writer believes about a stream before it appends.</summary>
public readonly record struct ExpectedVersion
{
    private ExpectedVersion(long value) => Value = value;

    /// <summary>
    /// The code that the append function understands: a version, 0 for no stream, -1 for exists, -2 for any.
    /// </summary>
    public long Value { get; }

    /// <summary>Whatever there is.</summary>
    public static ExpectedVersion Any => new(-2);

    /// <summary>At least one event.</summary>
    public static ExpectedVersion Exists => new(-1);

    /// <summary>No event yet.</summary>
    public static ExpectedVersion NoStream => new(0);

    /// <summary>Exactly this version; 0 means no event yet.</summary>
    public static ExpectedVersion Exactly(long version) =>
        version >= 0 ? new(version)
            : throw new ArgumentOutOfRangeException(nameof(version), version, "Versions count from 0.");

    /// <summary>Whether a stream at <paramref name="actual"/> is as expected.</summary>
    public bool Matches(long actual) => Value switch
    {
        -2 => true,
        -1 => actual > 0,
        _ => actual == Value,
    };

    public override string ToString() => Value switch
    {
        -2 => "any",
        -1 => "exists",
        0 => "no stream",
        _ => Value.ToString(System.Globalization.CultureInfo.InvariantCulture),
    };
}
