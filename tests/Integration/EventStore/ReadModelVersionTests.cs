using EventStream.Contracts;
using EventStream.EventStore;
using EventStream.Tests.Kit;
using JasperFx.Events.Projections;

namespace EventStream.Integration.Tests.EventStore;

/// <summary>A read model of a raised version is filled beside the former one.</summary>
public sealed class ReadModelVersionTests : IAsyncLifetime
{
    private const int Streams = 50;
    private static readonly ServiceStore NextRelease = Counter.Store with
    {
        Contents = store =>
        {
            store.Aggregate<Counter, Guid>();
            store.Projections.Add(new CountedProjection(version: 2), ProjectionLifecycle.Async);
        },
    };

    private TestStore former = null!;

    public async Task InitializeAsync()
    {
        former = await TestStore.StartAsync("versions", Counter.Store, withDaemon: true);
        for (var i = 0; i < Streams; i++)
        {
            var id = VideoId.New(TimeProvider.System.GetUtcNow());
            await former.Decider<Counter>().DecideAsync(id.Value, c => c.Add(id), EventMetadata.None, default);
        }

        await former.WaitAsync("counted");
    }

    public async Task DisposeAsync() => await former.DisposeAsync();

    [Fact]
    public async Task The_next_release_is_ready_when_its_table_is_filled_and_the_former_one_is_never_empty()
    {
        await using var next = await TestStore.OpenAsync(former.Options, NextRelease, withDaemon: true);
        await Wait.UntilAsync(
            "the next release is ready",
            async () =>
            {
                Assert.Equal([$"{Streams}"], await former.RowsAsync("select count(*) from mt_doc_counted"));
                return await next.Health.TroubleAsync(default) is null;
            }
        );
        Assert.Equal([$"{Streams}"], await next.RowsAsync("select count(*) from mt_doc_counted_2"));
    }
}
