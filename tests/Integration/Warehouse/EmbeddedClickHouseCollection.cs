using EventStream.Tests.Kit;

namespace EventStream.Integration.Tests.Warehouse;

/// <summary>Shares one engine among the test classes of this room.</summary>
[CollectionDefinition(Name)]
public sealed class EmbeddedClickHouseCollection : ICollectionFixture<EmbeddedClickHouse>
{
    public const string Name = "embedded ClickHouse";
}
