using EventStream.Embedded.Broker.Groups;
using EventStream.Embedded.Broker.Log;
using EventStream.Embedded.Broker.Protocol;
using EventStream.Embedded.Broker.Transactions;

namespace EventStream.Embedded.Tests.Broker;

/// <summary>What the transaction coordinator keeps over the end of the process, and whom it lets go on.</summary>
public sealed class TransactionCoordinatorTests : IDisposable
{
    private const string Id = "tx";
    private const int TimeoutMs = 10_000;
    private static readonly TopicPartition Target = new("target", 0);
    private readonly CoordinatorFixture _fixture = new();

    public TransactionCoordinatorTests() => _fixture.Topics.Create("target", 1, new Dictionary<string, string>());

    private TransactionCoordinator Coordinator => _fixture.Transactions;

    private PartitionLog Log => _fixture.Topics.Partition("target", 0)!;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void What_was_decided_before_a_kill_is_carried_out_at_the_start(bool commit)
    {
        var (producer, epoch) = Begin(records: 2);
        Coordinator.AddGroup(Id, producer, epoch, "g");
        var offset = new CommittedOffset(42, -1, null, 0);
        Coordinator.CommitOffsets(Id, producer, epoch, "g", [(Target, offset)]);
        _fixture.Close();
        // As if the process had ended between the decision and the first marker.
        using (var journal = Journal.Open(Path.Combine(_fixture.Folder, "transactions.journal"), flush: false))
        {
            var transaction = Transaction.Decode(Id, journal.Entries[Id]);
            Assert.Equal(TransactionState.Ongoing, transaction.State);
            transaction.State = commit ? TransactionState.PrepareCommit : TransactionState.PrepareAbort;
            journal.Put(new JournalEntry(Id, transaction.Encode()));
        }
        _fixture.Open();
        Assert.Equal((3, 3), (Log.LastStable, Log.LogEnd));
        Assert.Equal(commit ? 0 : 1, Aborted().Count);
        var (committed, isPending) = _fixture.Groups.Offsets.Find("g", Target);
        Assert.Equal((commit ? 42 : null, false), (committed?.Offset, isPending));
        Assert.Equal(ErrorCode.None, Coordinator.End(Id, producer, epoch, commit));
        Assert.Equal(ErrorCode.InvalidTxnState, Coordinator.End(Id, producer, epoch, !commit));
        Assert.Equal(3, Log.LogEnd);
    }

    [Fact]
    public void An_open_transaction_goes_on_after_a_kill_and_its_producer_too()
    {
        var (producer, epoch) = Begin(records: 2);
        _fixture.Reopen();
        Assert.Equal((0, 2), (Log.LastStable, Log.LogEnd));
        Assert.Equal(ErrorCode.None, Append(producer, epoch, sequence: 2).Error);
        Assert.Equal(ErrorCode.None, Coordinator.End(Id, producer, epoch, commit: true));
        Assert.Equal((4, 4), (Log.LastStable, Log.LogEnd));
    }

    [Fact]
    public void A_new_instance_fences_the_old_one_for_good()
    {
        var (producer, epoch) = Begin(records: 1);
        var (error, next, nextEpoch) = Coordinator.InitProducerId(Id, TimeoutMs, -1, -1);
        Assert.Equal((ErrorCode.None, producer, (short)(epoch + 1)), (error, next, nextEpoch));
        Assert.Single(Aborted());
        Assert.Equal(ErrorCode.ProducerFenced, Coordinator.End(Id, producer, epoch, commit: true));
        Assert.Equal(ErrorCode.InvalidProducerEpoch, Append(producer, epoch, sequence: 1).Error);
        // The old one may not come back by naming the epoch that it had either (KIP-360).
        Assert.Equal(ErrorCode.ProducerFenced, Coordinator.InitProducerId(Id, TimeoutMs, producer, epoch).Error);
        _fixture.Reopen();
        Assert.Equal(ErrorCode.ProducerFenced, Coordinator.InitProducerId(Id, TimeoutMs, producer, epoch).Error);
        Assert.Equal(ErrorCode.ProducerFenced, Coordinator.AddPartitions(Id, producer, epoch, [Target]));
    }

    [Fact]
    public void A_producer_that_goes_on_after_an_error_gets_one_new_epoch_however_often_it_asks()
    {
        var (producer, epoch) = Begin(records: 1);
        var first = Coordinator.InitProducerId(Id, TimeoutMs, producer, epoch);
        Assert.Equal((ErrorCode.None, producer, (short)(epoch + 1)), first);
        Assert.Equal(first, Coordinator.InitProducerId(Id, TimeoutMs, producer, epoch));
        _fixture.Reopen();
        Assert.Equal(first, Coordinator.InitProducerId(Id, TimeoutMs, producer, epoch));
        Assert.Single(Aborted());
    }

    [Fact]
    public void A_transaction_that_took_too_long_is_aborted_and_its_epoch_is_over()
    {
        var (producer, epoch) = Begin(records: 1);
        _fixture.Time.Turn(TimeSpan.FromMilliseconds(TimeoutMs));
        _fixture.Reopen();
        Assert.Equal((2, 2), (Log.LastStable, Log.LogEnd));
        Assert.Single(Aborted());
        Assert.Equal(ErrorCode.InvalidProducerEpoch, Append(producer, epoch, sequence: 1).Error);
        Assert.Equal(ErrorCode.ProducerFenced, Coordinator.AddPartitions(Id, producer, epoch, [Target]));
        Assert.Equal(ErrorCode.ProducerFenced, Coordinator.End(Id, producer, epoch, commit: true));
    }

    [Fact]
    public void Epochs_that_are_used_up_lead_to_a_new_producer_id()
    {
        var (producer, epoch) = Begin(records: 1);
        Coordinator.End(Id, producer, epoch, commit: true);
        _fixture.Close();
        using (var journal = Journal.Open(Path.Combine(_fixture.Folder, "transactions.journal"), flush: false))
        {
            var transaction = Transaction.Decode(Id, journal.Entries[Id]);
            transaction.Epoch = short.MaxValue - 1;
            journal.Put(new JournalEntry(Id, transaction.Encode()));
        }
        _fixture.Open();
        var (error, next, nextEpoch) = Coordinator.InitProducerId(Id, TimeoutMs, -1, -1);
        Assert.Equal((ErrorCode.None, (short)0), (error, nextEpoch));
        Assert.NotEqual(producer, next);
        Assert.Equal(
            ErrorCode.InvalidProducerIdMapping,
            Coordinator.AddPartitions(Id, producer, short.MaxValue - 1, [Target])
        );
    }

    [Fact]
    public void A_transactional_id_that_nobody_uses_is_forgotten_and_its_producer_begins_anew()
    {
        var (idle, idleEpoch) = Begin(records: 1);
        Coordinator.End(Id, idle, idleEpoch, commit: true);
        _fixture.Time.Turn(_fixture.Options.TransactionalIdExpiry - TimeSpan.FromSeconds(1));
        Coordinator.Expire();
        Assert.Equal(ErrorCode.None, Coordinator.End(Id, idle, idleEpoch, commit: true));
        _fixture.Time.Turn(TimeSpan.FromSeconds(2));
        Coordinator.Expire();
        Assert.Equal(ErrorCode.InvalidProducerIdMapping, Coordinator.End(Id, idle, idleEpoch, commit: true));
        _fixture.Reopen();
        Assert.Equal(ErrorCode.InvalidProducerIdMapping, Coordinator.AddPartitions(Id, idle, idleEpoch, [Target]));
        var (error, next, epoch) = Coordinator.InitProducerId(Id, TimeoutMs, idle, idleEpoch);
        Assert.Equal((ErrorCode.None, (short)0), (error, epoch));
        Assert.NotEqual(idle, next);
    }

    [Fact]
    public void A_transaction_that_no_coordinator_knows_is_aborted_at_the_start()
    {
        Begin(records: 3);
        _fixture.Close();
        File.Delete(Path.Combine(_fixture.Folder, "transactions.journal"));
        _fixture.Open();
        Assert.Equal((4, 4), (Log.LastStable, Log.LogEnd));
        Assert.Single(Aborted());
    }

    [Fact]
    public void With_flush_always_the_markers_are_on_the_disk_before_the_transaction_is_done()
    {
        _fixture.FlushAlways = true;
        _fixture.Reopen();
        var (producer, epoch) = Begin(records: 1);
        Assert.True(Log.IsFlushDue);
        Assert.Equal(ErrorCode.None, Coordinator.End(Id, producer, epoch, commit: true));
        Assert.False(Log.IsFlushDue);
    }

    [Fact]
    public void The_state_of_many_transactions_stays_small_on_disk()
    {
        var (error, producer, epoch) = Coordinator.InitProducerId(Id, TimeoutMs, -1, -1);
        Assert.Equal(ErrorCode.None, error);
        for (var i = 0; i < 8000; i++)
        {
            Coordinator.AddPartitions(Id, producer, epoch, [Target]);
            Coordinator.End(Id, producer, epoch, commit: i % 2 == 0);
        }
        Assert.True(new FileInfo(Path.Combine(_fixture.Folder, "transactions.journal")).Length < 1_200_000);
        _fixture.Reopen();
        Assert.Equal(ErrorCode.None, Coordinator.AddPartitions(Id, producer, epoch, [Target]));
    }

    [Fact]
    public void Aborted_ranges_survive_a_kill_and_go_with_the_records()
    {
        for (var i = 0; i < 4; i++)
        {
            var (producer, epoch) = Begin(records: 1);
            Coordinator.End(Id, producer, epoch, commit: false);
        }
        _fixture.Reopen();
        Assert.Equal([0, 2, 4, 6], Aborted().Select(a => a.FirstOffset));
        Log.DeleteBefore(4);
        Log.ApplyRetention(TimeSpan.FromDays(1));
        Assert.Equal([4, 6], Aborted().Select(a => a.FirstOffset));
        _fixture.Reopen();
        Log.ApplyRetention(TimeSpan.FromDays(1));
        Assert.Equal([4, 6], Aborted().Select(a => a.FirstOffset));
    }

    public void Dispose() => _fixture.Dispose();

    private (long Producer, short Epoch) Begin(int records)
    {
        var (error, producer, epoch) = Coordinator.InitProducerId(Id, TimeoutMs, -1, -1);
        Assert.Equal(ErrorCode.None, error);
        Assert.Equal(ErrorCode.None, Coordinator.AddPartitions(Id, producer, epoch, [Target]));
        for (var i = 0; i < records; i++)
        {
            Assert.Equal(ErrorCode.None, Append(producer, epoch, i).Error);
        }
        return (producer, epoch);
    }

    private AppendResult Append(long producer, short epoch, int sequence)
    {
        var batch = Batches.Of(1, 1000, producer, epoch, sequence, transactional: true);
        return Coordinator.Append(Target, Log, batch, BatchHeader.Read(batch));
    }

    private List<AbortedTransaction> Aborted()
    {
        var aborted = new List<AbortedTransaction>();
        Log.CollectAborted(0, Log.LogEnd, aborted);
        return aborted;
    }
}
