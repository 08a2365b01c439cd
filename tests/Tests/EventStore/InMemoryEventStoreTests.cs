using EventStream.EventStore;
using EventStream.EventStore.Memory;
using EventStream.EventStore.Upcasting;

namespace EventStream.Tests.EventStore;

public sealed class InMemoryEventStoreTests : EventStoreTests
{
    public override Task InitializeAsync()
    {
        Store = new InMemoryEventStore(TimeProvider.System);
        return Task.CompletedTask;
    }

    protected override IEventStore Reopen(Upcasters upcasters) => ((InMemoryEventStore)Store).With(upcasters);

    public override Task DisposeAsync() => Task.CompletedTask;
}
