namespace EventStream.Embedded.Broker.Protocol;

/// <summary>The one catalogue of what each error code says to a person.</summary>
internal static class Errors
{
    public static string Sentence(ErrorCode code) =>
        code switch
        {
            ErrorCode.None => "No error.",
            ErrorCode.OffsetOutOfRange => "The offset lies outside the range of the log.",
            ErrorCode.CorruptMessage => "The record batch does not match its CRC-32C or its stated size.",
            ErrorCode.UnknownTopicOrPartition => "This broker has no such topic or partition; create it first.",
            ErrorCode.MessageTooLarge => "The record batch exceeds max.message.bytes of the topic.",
            ErrorCode.OffsetMetadataTooLarge => "The metadata of a committed offset exceeds the bound.",
            ErrorCode.CoordinatorNotAvailable => "The coordinator is not available; try again.",
            ErrorCode.InvalidTopic =>
                "A topic name is 1 to 249 of the characters a-z A-Z 0-9 . _ - and neither . nor ..",
            ErrorCode.RecordListTooLarge => "The record batch exceeds segment.bytes of the topic.",
            ErrorCode.InvalidRequiredAcks => "acks is one of 0, 1 and -1 (all).",
            ErrorCode.IllegalGeneration => "The generation of the member is not the generation of the group.",
            ErrorCode.InconsistentGroupProtocol =>
                "The members of a group need one protocol type and a common assignor.",
            ErrorCode.InvalidGroupId => "The group id is empty or not usable here.",
            ErrorCode.UnknownMemberId => "The group does not know this member; join again.",
            ErrorCode.InvalidSessionTimeout => "The session time-out lies outside the range that the broker allows.",
            ErrorCode.RebalanceInProgress => "The group is rebalancing; join again.",
            ErrorCode.InvalidTimestamp =>
                "A timestamp lies outside the range that message.timestamp.before.max.ms and .after.max.ms allow.",
            ErrorCode.UnsupportedSaslMechanism =>
                "This listener does not offer the SASL mechanism; choose one of those that the answer names.",
            ErrorCode.IllegalSaslState => "The request does not belong to this stage of the authentication.",
            ErrorCode.UnsupportedVersion => "The broker does not support this version of the request.",
            ErrorCode.TopicAlreadyExists => "A topic of this name already exists.",
            ErrorCode.InvalidPartitions => "The number of partitions lies outside the range that is allowed.",
            ErrorCode.InvalidReplicationFactor =>
                "A single broker can keep one replica: use replication factor 1 or -1.",
            ErrorCode.InvalidReplicaAssignment => "The replica assignment names a broker that does not exist.",
            ErrorCode.InvalidConfig => "A configuration name is unknown or its value is not valid.",
            ErrorCode.InvalidRequest => "The request contradicts itself.",
            ErrorCode.PolicyViolation =>
                "cleanup.policy of the topic does not allow this; records are deleted by compaction.",
            ErrorCode.OutOfOrderSequenceNumber => "The sequence number does not follow the last one of this producer.",
            ErrorCode.InvalidProducerEpoch => "A newer producer has taken over this producer id.",
            ErrorCode.InvalidTxnState => "The transaction is not in a state that allows this.",
            ErrorCode.InvalidProducerIdMapping => "The producer id does not belong to this transactional id.",
            ErrorCode.InvalidTransactionTimeout =>
                "The transaction time-out lies outside the range that the broker allows.",
            ErrorCode.ConcurrentTransactions =>
                "The last transaction of this producer is still being completed; try again.",
            ErrorCode.OperationNotAttempted => "Not attempted, because another partition of the request failed.",
            ErrorCode.KafkaStorageError => "The log could not be written; see the broker's log for the disk's error.",
            ErrorCode.SaslAuthenticationFailed => "The authentication failed: invalid credentials.",
            ErrorCode.NonEmptyGroup => "The group still has members.",
            ErrorCode.GroupIdNotFound => "This broker has no such group.",
            ErrorCode.FetchSessionIdNotFound => "This broker keeps no fetch sessions; send a full fetch.",
            ErrorCode.UnknownLeaderEpoch => "The leader epoch is newer than the broker's.",
            ErrorCode.MemberIdRequired => "Join again with the member id that this answer carries.",
            ErrorCode.GroupMaxSizeReached => "The group has as many members as the broker allows.",
            ErrorCode.FencedInstanceId => "Another member has taken over this group instance id.",
            ErrorCode.InvalidRecord => "The record batch breaks a rule of its format.",
            ErrorCode.UnstableOffsetCommit => "A transaction with offsets of this partition is still open; try again.",
            ErrorCode.ProducerFenced => "A newer producer with the same transactional id has taken over.",
            ErrorCode.UnknownTopicId => "This broker has no topic of this id.",
            ErrorCode.UnsupportedEndpointType => "This broker has broker endpoints only, not those of controllers.",
            _ => "The broker failed unexpectedly; see its log.",
        };
}
