using Confluent.Kafka;
using EventStream.Tests.Kit;

namespace EventStream.Embedded.Tests.Integration.Broker;

/// <summary>A broker whose timers and time of day do not agree.</summary>
[Trait("Category", "Integration")]
public sealed class ClockTests
{
    /// <summary>
    /// Timers follow a clock of coarse steps and come some milliseconds early; time synchronisation sets the time of
    /// day. Here it stands still while the transaction begins and goes on half a second late, so that its timer comes
    /// before its time is over.
    /// </summary>
    [Fact]
    public async Task A_transaction_is_aborted_though_its_timer_came_before_its_time_was_over()
    {
        var clock = new LateClock();
        await using var broker = await TestBroker.StartAsync(o => o with { Time = clock });
        var topic = await Clients.CreateTopicAsync(broker, partitions: 1);
        using var producer = Clients.Producer(
            broker,
            c =>
            {
                c.TransactionalId = $"tx-{topic}";
                c.TransactionTimeoutMs = 1000;
                c.MessageTimeoutMs = 1000;
            }
        );
        producer.InitTransactions(Clients.Patience);
        producer.BeginTransaction();
        clock.Stop();
        await producer.ProduceAsync(topic, new Message<string, string> { Key = "k", Value = "late" });
        clock.GoOn(late: TimeSpan.FromMilliseconds(500));
        using (var plain = Clients.Producer(broker))
        {
            await plain.ProduceAsync(topic, new Message<string, string> { Key = "k", Value = "behind" });
        }
        Assert.Equal("behind", Assert.Single(Clients.ReadAll(broker, topic, 1)).Message.Value);
    }

    /// <summary>The time of day stands still and goes on as it is told; timers run as ever.</summary>
    private sealed class LateClock : TimeProvider
    {
        private readonly Lock _gate = new();
        private DateTimeOffset? _stopped;
        private TimeSpan _behind;

        public override DateTimeOffset GetUtcNow()
        {
            lock (_gate)
            {
                return _stopped ?? base.GetUtcNow() - _behind;
            }
        }

        public void Stop()
        {
            var now = GetUtcNow();
            lock (_gate)
            {
                _stopped = now;
            }
        }

        public void GoOn(TimeSpan late)
        {
            lock (_gate)
            {
                _behind = base.GetUtcNow() - _stopped!.Value + late;
                _stopped = null;
            }
        }
    }
}
