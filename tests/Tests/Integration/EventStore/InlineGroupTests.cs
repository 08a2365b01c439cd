using EventStream.EventStore;
using EventStream.EventStore.Projections;

namespace EventStream.Tests.Integration.EventStore;

/// <summary>Appends that share a transaction with the projection that is written in it.</summary>
[Trait("Category", "Integration")]
public sealed class InlineGroupTests : AppendsTogether
{
    private const string Documents = "select id, data->>'Events', version, position from video_life order by id";

    private protected override IReadOnlyList<Projection> Inline { get; } =
        [new VideoLife.Projection { Refuses = recorded => recorded.Stream == "video-bad" }];

    [Fact]
    public async Task Each_document_is_that_of_its_stream_and_all_are_written_in_one_transaction()
    {
        var old = await AppendAsync("video-b", 0, New(1));
        var outcomes = await TogetherAsync(("video-c", 0, New(1)), ("video-a", 0, New(3)), ("video-b", 1, New(1)));
        var results = await Task.WhenAll(outcomes);
        Assert.Equal([1L, 3, 2], results.Select(r => r.Version));
        Assert.All(results, r => Assert.True(r.Position > old.Position));
        Assert.Equal(
            [
                $"a|3|3|{results[1].Position}", $"b|2|2|{results[2].Position}", $"c|1|1|{results[0].Position}",
                .. await HeldAsync(),
            ],
            await Rig.RowsAsync(Documents));
        await AssertOneTransactionAsync("video-a", "video-b", "video-c");
        Assert.Single(await Rig.RowsAsync(
            "select distinct xmin::text from (select xmin from video_life where id in ('a', 'b', 'c') "
            + "union all select xmin from streams where id = 'video-a') as rows"));
    }

    [Fact]
    public async Task One_that_is_refused_or_repeated_changes_no_document_and_harms_no_other()
    {
        var repeated = New(2);
        await AppendAsync("video-repeated", 0, repeated);
        await AppendAsync("video-behind", 0, New(1));
        var outcomes = await TogetherAsync(
            ("video-a", 0, New(1)), ("video-behind", 4, New(1)), ("video-behind2", 4, New(2)),
            ("video-repeated", 0, repeated));
        Assert.Equal(1, (await outcomes[0]).Version);
        Assert.Equal(1, (await Assert.ThrowsAsync<WrongExpectedVersionException>(() => outcomes[1])).Actual);
        Assert.Equal(0, (await Assert.ThrowsAsync<WrongExpectedVersionException>(() => outcomes[2])).Actual);
        Assert.True((await outcomes[3]).Repeated);
        Assert.Equal(
            ["a|1", "behind|1", "held|2", "repeated|2"],
            await Rig.RowsAsync("select id, data->>'Events' from video_life order by id"));
    }

    [Fact]
    public async Task One_whose_document_cannot_be_folded_is_undone_alone()
    {
        var outcomes = await TogetherAsync(("video-a", 0, New(1)), ("video-bad", 0, New(1)), ("video-c", 0, New(2)));
        Assert.Equal(1, (await outcomes[0]).Version);
        Assert.Equal(2, (await outcomes[2]).Version);
        var error = await Assert.ThrowsAsync<BadEventException>(() => outcomes[1]);
        Assert.Contains("video-bad", error.Message, StringComparison.Ordinal);
        Assert.Equal(
            ["a|1", "c|2", "held|2"], await Rig.RowsAsync("select id, data->>'Events' from video_life order by id"));
        Assert.Empty(await Rig.RowsAsync("select 1 from streams where id = 'video-bad'"));
    }

    private Task<List<string>> HeldAsync() =>
        Rig.RowsAsync("select id, data->>'Events', version, position from video_life where id = 'held'");
}
