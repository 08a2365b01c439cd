using EventStream.EventStore.Memory;

namespace EventStream.Tests.EventStore;

public sealed class InMemoryEventStoreTests : EventStoreTests
{
    public override Task InitializeAsync()
    {
        Store = new InMemoryEventStore(TimeProvider.System);
        return Task.CompletedTask;
    }

    public override Task DisposeAsync() => Task.CompletedTask;
}
