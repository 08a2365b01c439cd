using EventStream.Benchmarks.EventStore;
using EventStream.Contracts;
using EventStream.EventStore;
using JasperFx;
using JasperFx.Events;
using Marten;

namespace EventStream.Benchmarks.Marten;

/// <summary>What a decision is made on: how many events there are.</summary>
public sealed class Tally
{
    public string Id { get; set; } = "";

    public int Count { get; set; }

    public void Apply(VideoUploaded uploaded) => Count++;
}

/// <summary>
/// Marten as its guide recommends it for throughput: the quick append mode, System.Text.Json, streams by string, no
/// optional metadata; on the PostgreSQL of the benchmark, in a schema of its own.
/// </summary>
internal sealed class MartenStore(BenchStore bench) : IDisposable
{
    private readonly DocumentStore store = DocumentStore.For(options =>
    {
        options.Connection(bench.Options.ConnectionString);
        options.DatabaseSchemaName = "marten";
        options.AutoCreateSchemaObjects = AutoCreate.All;
        options.UseSystemTextJsonForSerialization();
        options.Events.StreamIdentity = StreamIdentity.AsString;
        options.Events.AppendMode = EventAppendMode.Quick;
        options.Events.AddEventType<VideoUploaded>();
        options.DisableNpgsqlLogging = true;
    });

    public Task CreateAsync() => store.Storage.ApplyAllConfiguredChangesToDatabaseAsync();

    /// <summary>Appends without an expected version, which is the least that Marten can be asked for.</summary>
    public async Task AppendAsync(string stream, long version, IReadOnlyList<NewEvent> events)
    {
        await using var session = store.LightweightSession();
        var data = events.Select(e => (object)e.Data);
        if (version == 0) session.Events.StartStream(stream, data);
        else session.Events.Append(stream, data);
        await session.SaveChangesAsync();
    }

    /// <summary>Fetches for writing, decides and appends one event, which is refused if another came between.</summary>
    public async Task DecideAsync(string stream, long version)
    {
        await using var session = store.LightweightSession();
        var fetched = await session.Events.FetchForWriting<Tally>(stream);
        if (fetched.Aggregate?.Count != version) throw new InvalidOperationException($"{stream} is not at {version}.");
        fetched.AppendOne(Samples.Events(1)[0].Data);
        await session.SaveChangesAsync();
    }

    /// <summary>Live aggregation; returns how many events there were.</summary>
    public async Task<int> AggregateAsync(string stream)
    {
        await using var session = store.LightweightSession();
        return (await session.Events.AggregateStreamAsync<Tally>(stream))?.Count ?? 0;
    }

    public void Dispose() => store.Dispose();
}
