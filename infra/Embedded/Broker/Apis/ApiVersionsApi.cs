using EventStream.Embedded.Broker.Protocol;
using EventStream.Embedded.Broker.Server;

namespace EventStream.Embedded.Broker.Apis;

/// <summary>
/// ApiVersions: which APIs the broker serves, in which versions. An unknown version is answered in version 0.
/// </summary>
internal static class ApiVersionsApi
{
    public static void Handle(BrokerNode node, Request request) => Write(request.Writer, ErrorCode.None);

    public static void Write(ResponseWriter writer, ErrorCode error)
    {
        writer.WriteError(error);
        writer.WriteArray(
            ApiTable.Entries,
            entry =>
            {
                writer.WriteInt16((short)entry.Key);
                writer.WriteInt16(entry.AdvertisedMin);
                writer.WriteInt16(entry.Max);
            }
        );
        writer.WriteInt32(0, since: 1);
    }
}
