using System.Text.RegularExpressions;

namespace EventStream.EventStore.Projections;

/// <summary>When a projection's rows are written.</summary>
public enum ProjectionLifecycle
{
    /// <summary>In the transaction of the append: the rows are never behind, and every append waits for them.</summary>
    Inline,

    /// <summary>By the daemon, soon after the commit and in order of position.</summary>
    Async,
}

/// <summary>
/// A read model: which question it answers, the tables behind it, and how events become rows. The base of
/// <see cref="SingleStreamProjection{TDocument}"/>, <see cref="MultiStreamProjection{TDocument}"/>,
/// <see cref="FlatTableProjection"/> and <see cref="EventProjection"/>.
/// </summary>
/// <remarks>
/// A higher <see cref="Version"/> than the one that is live makes the daemon build the tables anew beside the old ones
/// and switch to them in one transaction, so a change of shape or of meaning needs no script and no downtime.
/// </remarks>
public abstract partial class Projection
{
    private readonly int shards = 1;

    /// <summary>
    /// <paramref name="name"/> has lower-case letters, digits and hyphens, a letter first, at most 40 characters.
    /// </summary>
    private protected Projection(string name, int version)
    {
        if (!Names().IsMatch(name))
            throw new ArgumentException(
                $"A projection's name has 1 to 40 of a-z, 0-9 and '-', a letter first; it is '{name}'.", nameof(name));
        ArgumentOutOfRangeException.ThrowIfLessThan(version, 1);
        (Name, Version, Table) = (name, version, name.Replace('-', '_'));
    }

    /// <summary>The name of the projection, of its checkpoints and of its lock.</summary>
    public string Name { get; }

    /// <summary>The version of its shape and meaning, from 1; raise it when either changes.</summary>
    public int Version { get; }

    /// <summary>The table that readers ask: the name with underscores.</summary>
    public string Table { get; }

    /// <summary>
    /// Into how many shards the keys are split, each with a checkpoint and transactions of its own; 1 to 64.
    /// </summary>
    public int Shards
    {
        get => shards;
        init => shards = value is >= 1 and <= 64
            ? value : throw new ArgumentOutOfRangeException(nameof(value), value, "A projection has 1 to 64 shards.");
    }

    /// <summary>Most events of one transaction.</summary>
    public int BatchMax { get; init; } = 2000;

    /// <summary>What becomes of an event that cannot be applied.</summary>
    public ErrorPolicy OnError { get; init; } = ErrorPolicy.Stop;

    /// <summary>
    /// What is appended to <see cref="Table"/> to name the projection's tables: one, without anything, unless its
    /// <see cref="Definition"/> creates more.
    /// </summary>
    public virtual IReadOnlyList<string> TableSuffixes => [""];

    /// <summary>
    /// SQL that creates the tables and indexes. <c>{table}</c> stands for the table's name, which differs between the
    /// live generation and one that is being built.
    /// </summary>
    public abstract string Definition { get; }

    /// <summary>Whether an event concerns the projection at all.</summary>
    internal abstract bool Takes(RecordedEvent recorded);

    /// <summary>Whether any event of a stream can concern it.</summary>
    internal virtual bool Concerns(string stream) => true;

    /// <summary>Whether the events of a stream change rows that those of no other stream change.</summary>
    internal virtual bool KeepsToStreams => false;

    /// <summary>Opens what applies events to the tables of this name.</summary>
    internal abstract ProjectionSession Open(SessionOptions options);

    /// <summary>The table of a generation that is being built.</summary>
    internal string TableOf(int generation) => $"{Table}__g{generation}";

    [GeneratedRegex("^[a-z][a-z0-9-]{0,39}$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Names();
}

/// <summary>
/// Where a session writes: the table, its part of the keys, whether it is the only writer of them (and may thus keep
/// documents between batches), and the time.
/// </summary>
internal sealed record SessionOptions(string Table, Slice Slice, bool OnlyWriter);

/// <summary>
/// Applies batches to one shard's rows in the transaction of the connection it is given. What it keeps in memory
/// follows the transaction: call one of <see cref="Committed"/> and <see cref="RolledBack"/> after each.
/// </summary>
internal abstract class ProjectionSession
{
    /// <summary>Folds and writes. Throws <see cref="BadEventException"/> naming an event that cannot be
    /// applied.</summary>
    public abstract Task ApplyAsync(
        Npgsql.NpgsqlConnection connection, IReadOnlyList<RecordedEvent> events, CancellationToken cancellation);

    public virtual void Committed()
    {
    }

    public virtual void RolledBack()
    {
    }
}

/// <summary>The part of all keys that one of several shards has.</summary>
internal readonly record struct Slice(int Index, int Count)
{
    public static readonly Slice All = new(0, 1);

    /// <summary>FNV-1a with a final mix: the same in every process and for ever, as checkpoints rely on it.</summary>
    public bool Owns(string key)
    {
        if (Count == 1) return true;
        var hash = 14695981039346656037UL;
        foreach (var c in key) hash = (hash ^ c) * 1099511628211UL;
        hash ^= hash >> 32;
        return (int)(hash % (ulong)Count) == Index;
    }
}
