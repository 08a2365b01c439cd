using EventStream.Embedded.Broker.Protocol;
using EventStream.Embedded.Broker.Server;

namespace EventStream.Embedded.Broker.Apis;

/// <summary>
/// ApiVersions: which APIs the broker serves, in which versions. An unknown version is answered in version 0.
/// </summary>
internal static class ApiVersionsApi
{
    public static ValueTask HandleAsync(BrokerNode node, Request request)
    {
        Write(request, ErrorCode.None);
        return ValueTask.CompletedTask;
    }

    public static void Write(Request request, ErrorCode error)
    {
        var writer = request.Writer;
        writer.WriteError(error);
        writer.WriteArrayLength(ApiTable.Entries.Length);
        foreach (var entry in ApiTable.Entries)
        {
            writer.WriteInt16((short)entry.Key);
            writer.WriteInt16(entry.AdvertisedMin);
            writer.WriteInt16(entry.Max);
            writer.WriteTags();
        }
        if (request.Version >= 1)
        {
            writer.WriteInt32(0);
        }
        writer.WriteTags();
    }
}
