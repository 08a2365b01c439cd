using EventStream.Upload;

namespace EventStream.Integration.Tests.EventStore;

/// <summary>Roles of a service start together, on a database that has nothing of theirs yet.</summary>
public sealed class StoreMigrationTests
{
    private const int Processes = 6;

    [Fact]
    public async Task Processes_that_start_together_make_the_schema_once()
    {
        var options = (await PostgresFixture.OptionsAsync("together")).ForService("upload");

        var stores = await Task.WhenAll(
            Enumerable
                .Range(0, Processes)
                .Select(_ => Task.Run(() => TestStore.OpenAsync(options, UploadStore.Service)))
        );

        await stores[0].Migration.AssertAsync(CancellationToken.None);
        foreach (var store in stores)
            await store.DisposeAsync();
    }
}
