using EventStream.Embedded.Broker.Protocol;

namespace EventStream.Embedded.Broker.Apis;

/// <summary>
/// ProducerFenced is younger than the transaction APIs: earlier versions say InvalidProducerEpoch instead.
/// </summary>
internal static class TransactionErrors
{
    public static ErrorCode ForVersion(ErrorCode error, short version, short fencedFrom) =>
        error == ErrorCode.ProducerFenced && version < fencedFrom ? ErrorCode.InvalidProducerEpoch : error;
}
