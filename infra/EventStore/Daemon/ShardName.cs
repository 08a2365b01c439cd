using EventStream.EventStore.Projections;

namespace EventStream.EventStore.Daemon;

/// <summary>
/// One shard of one generation of a projection, as its checkpoint is named: <c>video-list:g1</c>, or
/// <c>video-list:g1:2of4</c> where there are several.
/// </summary>
internal readonly record struct ShardName(string Projection, int Generation, int Index, int Count)
{
    public Slice Slice => new(Index, Count);

    public static IEnumerable<ShardName> Of(string projection, int generation, int count) =>
        Enumerable.Range(0, count).Select(index => new ShardName(projection, generation, index, count));

    public override string ToString() => Count == 1
        ? $"{Projection}:g{Generation}" : $"{Projection}:g{Generation}:{Index + 1}of{Count}";
}
