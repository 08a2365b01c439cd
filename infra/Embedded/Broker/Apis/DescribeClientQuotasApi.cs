using EventStream.Embedded.Broker.Protocol;
using EventStream.Embedded.Broker.Server;

namespace EventStream.Embedded.Broker.Apis;

/// <summary>
/// DescribeClientQuotas: there are none; what a client may take is bounded by the broker's options, alike for all.
/// </summary>
internal static class DescribeClientQuotasApi
{
    public static ValueTask HandleAsync(BrokerNode node, Request request)
    {
        var (reader, writer) = (request.Reader, request.Writer);
        for (var count = reader.ReadArrayLength(); count > 0; count--)
        {
            reader.ReadString();
            reader.ReadByte();
            reader.ReadNullableString();
            reader.SkipTags();
        }
        reader.ReadBoolean();
        writer.WriteInt32(0);
        writer.WriteError(ErrorCode.None);
        writer.WriteString(null);
        writer.WriteArrayLength(0);
        writer.WriteTags();
        return ValueTask.CompletedTask;
    }
}
