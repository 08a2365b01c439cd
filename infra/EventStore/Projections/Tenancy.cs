namespace EventStream.EventStore.Projections;

/// <summary>Whose event it is.</summary>
internal static class Tenancy
{
    public static string Of(RecordedEvent recorded) => "default";
}
