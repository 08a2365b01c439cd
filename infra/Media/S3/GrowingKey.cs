using System.Text.Json;
using System.Text.Json.Serialization;

namespace EventStream.Media.S3;

/// <summary>
/// A key that grows: the parts of a multipart upload, and behind them a tail that does not fill a part yet, an object
/// of its own. A ledger beside it says which parts and which tail count, and is written after they are stored: a
/// process that dies in between leaves bytes that nobody counts, and the writer after it sends them again. The ledger
/// is only written over the one that was read, so a second writer fails where the store knows conditional writes; the
/// lease of the upload keeps it away everywhere.
/// </summary>
internal sealed class GrowingKey
{
    /// <summary>Bytes that arrived are stored even where their sender is gone, but not for longer than this.</summary>
    private static readonly TimeSpan SaveTimeout = TimeSpan.FromSeconds(30);

    private readonly S3Bucket bucket;
    private readonly string key;
    private Ledger ledger = new(null, [], null, 0);

    /// <summary>ETag of the ledger as it is stored; empty while it is not.</summary>
    private string stored = "";

    /// <summary>A key that has no byte yet.</summary>
    public GrowingKey(S3Bucket bucket, string key) => (this.bucket, this.key) = (bucket, key);

    public long SizeBytes => ledger.Parts.Sum(part => part.SizeBytes) + ledger.TailBytes;

    public DateTimeOffset WrittenAt { get; private set; }

    /// <summary>Begins with a dot, which no key of media does.</summary>
    private string Folder => $".growing/{key}/";

    private string LedgerKey => Folder + "ledger";

    /// <summary>The key as it was left, or null where it does not grow.</summary>
    public static async Task<GrowingKey?> FindAsync(S3Bucket bucket, string key, CancellationToken cancellation)
    {
        var growing = new GrowingKey(bucket, key);
        if (await bucket.ReadSmallAsync(growing.LedgerKey, cancellation) is not { } found)
            return null;
        growing.ledger = JsonSerializer.Deserialize(found.Content, LedgerJson.Default.Ledger)!;
        (growing.stored, growing.WrittenAt) = (found.ETag, found.WrittenAt);
        return growing;
    }

    /// <summary>
    /// Appends; what arrived before an error stays. <paramref name="part"/> is an empty file for the part that is being
    /// filled. Throws <see cref="MediaChangedException"/> where somebody else wrote in between.
    /// </summary>
    public async Task AppendAsync(Stream content, Stream part, CancellationToken cancellation)
    {
        await LoadTailAsync(part, cancellation);
        try
        {
            while (await FillAsync(content, part, cancellation))
                await StorePartAsync(part, cancellation);
        }
        finally
        {
            if (part.Length != ledger.TailBytes || stored.Length == 0)
                await StoreTailAsync(part);
        }
    }

    /// <summary>Makes the object of parts and tail, in one step.</summary>
    public async Task SealAsync(Stream part, CancellationToken cancellation)
    {
        await LoadTailAsync(part, cancellation);
        part.Position = 0;
        if (ledger.Upload is not { } upload)
        {
            await bucket.PutAsync(key, part, cancellation);
            return;
        }

        IReadOnlyList<S3Part> parts = ledger.Parts;
        if (part.Length > 0)
            parts = [.. parts, await bucket.PutPartAsync(key, upload, parts.Count + 1, part, cancellation)];
        await bucket.CompleteAsync(key, upload, parts, cancellation);
    }

    /// <summary>Gives up the parts.</summary>
    public Task AbortAsync(CancellationToken cancellation) =>
        ledger.Upload is { } upload ? bucket.AbortAsync(key, upload, cancellation) : Task.CompletedTask;

    /// <summary>Removes tails and, last, the ledger.</summary>
    public async Task ForgetAsync(CancellationToken cancellation)
    {
        await foreach (var file in bucket.ListAsync(Folder, cancellation))
        {
            if (file != LedgerKey)
                await bucket.DeleteAsync(file, cancellation);
        }

        await bucket.DeleteAsync(LedgerKey, cancellation);
    }

    private async Task LoadTailAsync(Stream part, CancellationToken cancellation)
    {
        if (ledger.Tail is not { } tail)
            return;
        var found = await bucket.FindAsync(Folder + tail, cancellation) ?? throw new MediaChangedException(key);
        await using var content = new S3ReadStream(bucket, Folder + tail, found);
        await content.CopyToAsync(part, cancellation);
    }

    /// <summary>Reads until the part is full, and then returns true, or the content ends.</summary>
    private static async Task<bool> FillAsync(Stream content, Stream part, CancellationToken cancellation)
    {
        var buffer = new byte[128 * 1024];
        while (part.Length < S3Bucket.PartBytes)
        {
            var room = (int)Math.Min(buffer.Length, S3Bucket.PartBytes - part.Length);
            var read = await content.ReadAsync(buffer.AsMemory(0, room), cancellation);
            if (read == 0)
                return false;
            await part.WriteAsync(buffer.AsMemory(0, read), CancellationToken.None);
        }

        return true;
    }

    private async Task StorePartAsync(Stream part, CancellationToken cancellation)
    {
        var upload = ledger.Upload ?? await bucket.BeginAsync(key, cancellation);
        part.Position = 0;
        var added = await bucket.PutPartAsync(key, upload, ledger.Parts.Count + 1, part, cancellation);
        await SaveAsync(new Ledger(upload, [.. ledger.Parts, added], null, 0), cancellation);
        part.SetLength(0);
    }

    private async Task StoreTailAsync(Stream part)
    {
        using var timeout = new CancellationTokenSource(SaveTimeout);
        var tail = part.Length > 0 ? $"tail.{Guid.NewGuid():N}" : null;
        part.Position = 0;
        if (tail is not null)
            await bucket.PutAsync(Folder + tail, part, timeout.Token);
        await SaveAsync(ledger with { Tail = tail, TailBytes = part.Length }, timeout.Token);
    }

    private async Task SaveAsync(Ledger next, CancellationToken cancellation)
    {
        var before = ledger.Tail;
        using var content = new MemoryStream(JsonSerializer.SerializeToUtf8Bytes(next, LedgerJson.Default.Ledger));
        stored = await bucket.PutAsync(LedgerKey, content, cancellation, replacing: stored);
        ledger = next;
        if (before is not null)
            await bucket.DeleteAsync(Folder + before, cancellation);
    }
}

/// <summary>What counts of a growing key: parts, in order, and the tail, with its size in bytes.</summary>
internal sealed record Ledger(string? Upload, IReadOnlyList<S3Part> Parts, string? Tail, long TailBytes);

[JsonSerializable(typeof(Ledger))]
internal sealed partial class LedgerJson : JsonSerializerContext;
