using EventStream.Embedded.Broker.Log;
using EventStream.Embedded.Broker.Protocol;
using FsCheck;
using FsCheck.Fluent;

namespace EventStream.Embedded.Tests.Broker;

/// <summary>
/// Batches with bytes changed: the checksum catches them, and where it is made to match, nothing breaks.
/// </summary>
public sealed class BatchFuzzTests
{
    [Fact]
    public void A_batch_with_a_bit_changed_behind_its_place_is_refused() =>
        Prop.ForAll(
                Gen.Choose(0, int.MaxValue).ToArbitrary(),
                seed =>
                {
                    var random = new Random(seed);
                    var batch = Batches.Of(random.Next(1, 20));
                    var at = random.Next(8, batch.Length);
                    // The leader epoch, bytes 12 to 15, is the broker's to write and not covered.
                    batch[at is >= 12 and < 16 ? 16 : at] ^= (byte)(1 << random.Next(8));
                    return Check(batch) != ErrorCode.None;
                }
            )
            .Check(Config.QuickThrowOnFailure.WithMaxTest(500));

    [Fact]
    public void Random_bytes_are_no_batch() =>
        Prop.ForAll(
                Gen.Choose(0, int.MaxValue).ToArbitrary(),
                seed =>
                {
                    var random = new Random(seed);
                    var bytes = new byte[random.Next(0, 300)];
                    random.NextBytes(bytes);
                    return Check(bytes) != ErrorCode.None;
                }
            )
            .Check(Config.QuickThrowOnFailure.WithMaxTest(500));

    private static ErrorCode Check(byte[] batch) =>
        BatchRules.Check(batch, new TopicConfig(new Dictionary<string, string>()), nowMs: 1_000_000, out _).Error;

    [Fact]
    public void A_log_takes_or_refuses_what_has_a_matching_checksum_and_can_be_read_and_searched_afterwards()
    {
        using var fixture = new LogFixture();
        var log = fixture.Open();
        Prop.ForAll(
                Gen.Choose(0, int.MaxValue).ToArbitrary(),
                seed =>
                {
                    var random = new Random(seed);
                    var batch = Batches.Of(
                        random.Next(1, 20),
                        producerId: random.Next(-1, 3),
                        epoch: 0,
                        baseSequence: 0
                    );
                    for (var changes = random.Next(1, 6); changes > 0; changes--)
                    {
                        batch[random.Next(12, batch.Length)] = (byte)random.Next(256);
                    }
                    batch[16] = 2;
                    BatchHeader.WriteChecksum(batch);
                    var end = log.LogEnd;
                    var result = log.Append(batch);
                    log.FindByTime(random.NextInt64(3000));
                    log.FindMaxTimestamp();
                    return result.Error != ErrorCode.None
                        ? log.LogEnd == end
                        : log.LogEnd > end || result.BaseOffset < end;
                }
            )
            .Check(Config.QuickThrowOnFailure.WithMaxTest(300));
        var offsets = LogFixture.Offsets(log, 0);
        Assert.Equal(offsets.Order(), offsets);
    }
}
