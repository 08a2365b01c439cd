using EventStream.Embedded.Broker.Protocol;

namespace EventStream.Embedded.Broker.Apis;

/// <summary>
/// ProducerFenced is younger than the transaction APIs: earlier versions say InvalidProducerEpoch instead.
/// </summary>
internal static class TransactionErrors
{
    public static void Write(ResponseWriter writer, ErrorCode error, short fencedSince) =>
        writer.WriteError(ForVersion(error, writer.Version, fencedSince));

    public static ErrorCode ForVersion(ErrorCode error, short version, short fencedSince) =>
        error == ErrorCode.ProducerFenced && version < fencedSince ? ErrorCode.InvalidProducerEpoch : error;
}
