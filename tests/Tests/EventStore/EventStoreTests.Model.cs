using FsCheck;
using FsCheck.Fluent;

namespace EventStream.Tests.EventStore;

/// <summary>Any writers doing anything at the same time, against a model.</summary>
public abstract partial class EventStoreTests
{
    /// <summary>Random histories to try.</summary>
    protected virtual int Histories => 100;

    [Fact]
    public void Whatever_writers_do_at_the_same_time_the_store_holds_exactly_what_it_promised() =>
        Check.One(
            Config.QuickThrowOnFailure.WithMaxTest(Histories),
            Prop.ForAll(WriterStep.Writers(4, 6).ToArbitrary(), writers =>
                new EventStoreModel(Store, $"{Guid.NewGuid():N}").RunAsync(writers).GetAwaiter().GetResult()));
}
