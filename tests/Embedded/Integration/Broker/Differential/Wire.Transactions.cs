using EventStream.Embedded.Broker.Protocol;

namespace EventStream.Embedded.Tests.Integration.Broker.Differential;

internal sealed partial class Wire
{
    /// <summary>An answer to InitProducerId.</summary>
    public readonly record struct ProducerIdentity(short Code, long Id, short Epoch);

    public Task<ProducerIdentity> InitProducerAsync(
        string? transactionalId,
        int timeoutMs = 60_000,
        long producerId = -1,
        short epoch = -1
    ) =>
        PatientlyAsync(
            async () =>
            {
                var answer = await AskAsync(
                    ApiKey.InitProducerId,
                    4,
                    true,
                    w =>
                    {
                        w.WriteString(transactionalId);
                        w.WriteInt32(timeoutMs);
                        w.WriteInt64(producerId);
                        w.WriteInt16(epoch);
                    }
                );
                answer.ReadInt32();
                return new ProducerIdentity(answer.ReadInt16(), answer.ReadInt64(), answer.ReadInt16());
            },
            identity => identity.Code
        );

    /// <summary>Adds partitions of topics to a transaction and returns the error of each.</summary>
    public async Task<string> AddPartitionsAsync(
        string transactionalId,
        ProducerIdentity producer,
        params (string Topic, int Partition)[] partitions
    )
    {
        var codes = await PatientlyAsync(
            async () =>
            {
                var answer = await AskAsync(
                    ApiKey.AddPartitionsToTxn,
                    2,
                    false,
                    w =>
                    {
                        WriteProducer(w, transactionalId, producer);
                        w.WriteArrayLength(partitions.Length);
                        foreach (var (topic, partition) in partitions)
                        {
                            w.WriteString(topic);
                            w.WriteInt32Array([partition]);
                        }
                    }
                );
                answer.ReadInt32();
                var found = new SortedDictionary<string, short>(StringComparer.Ordinal);
                for (var count = answer.ReadArrayLength(); count > 0; count--)
                {
                    var topic = answer.ReadString();
                    Assert.Equal(1, answer.ReadArrayLength());
                    found[$"{topic}-{answer.ReadInt32()}"] = answer.ReadInt16();
                }
                return found;
            },
            found => found.Values.FirstOrDefault(Passing.Contains)
        );
        return string.Join(", ", partitions.Select(p => Name(codes[$"{p.Topic}-{p.Partition}"])));
    }

    public Task<string> AddOffsetsAsync(string transactionalId, ProducerIdentity producer, string group) =>
        AskForErrorAsync(
            ApiKey.AddOffsetsToTxn,
            w =>
            {
                WriteProducer(w, transactionalId, producer);
                w.WriteString(group);
            }
        );

    public Task<string> EndAsync(string transactionalId, ProducerIdentity producer, bool commit) =>
        AskForErrorAsync(
            ApiKey.EndTxn,
            w =>
            {
                WriteProducer(w, transactionalId, producer);
                w.WriteBoolean(commit);
            }
        );

    /// <summary>Commits one offset within a transaction and returns the name of the error.</summary>
    public async Task<string> CommitInTransactionAsync(
        string transactionalId,
        ProducerIdentity producer,
        string group,
        Speaker who,
        string topic,
        long offset
    )
    {
        var code = await PatientlyAsync(
            async () =>
            {
                var answer = await AskAsync(
                    ApiKey.TxnOffsetCommit,
                    3,
                    true,
                    w =>
                    {
                        w.WriteString(transactionalId);
                        w.WriteString(group);
                        w.WriteInt64(producer.Id);
                        w.WriteInt16(producer.Epoch);
                        w.WriteInt32(who.Generation);
                        w.WriteString(who.MemberId);
                        w.WriteString(who.Instance);
                        WriteOffset(w, topic, 0, offset, null);
                    }
                );
                answer.ReadInt32();
                return ReadOnePartition(answer);
            },
            code => code
        );
        return Name(code);
    }

    private async Task<string> AskForErrorAsync(ApiKey api, Action<ResponseWriter> body) =>
        Name(
            await PatientlyAsync(
                async () =>
                {
                    var answer = await AskAsync(api, 2, false, body);
                    answer.ReadInt32();
                    return answer.ReadInt16();
                },
                code => code
            )
        );

    private static void WriteProducer(ResponseWriter w, string transactionalId, ProducerIdentity producer)
    {
        w.WriteString(transactionalId);
        w.WriteInt64(producer.Id);
        w.WriteInt16(producer.Epoch);
    }
}
