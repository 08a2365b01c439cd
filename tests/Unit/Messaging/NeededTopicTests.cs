using EventStream.Messaging.Kafka;

namespace EventStream.Unit.Tests.Messaging;

/// <summary>Which partition of Kafka's internal topics keeps a group or a transactional id.</summary>
public sealed class NeededTopicTests
{
    [Theory]
    [InlineData("hello", 99162322 % 50)]
    [InlineData("polygenelubricants", 0)] // Its hash in Java is the least of all integers.
    [InlineData("", 0)]
    public void A_key_is_kept_in_the_partition_of_its_Java_hash(string key, int partition) =>
        Assert.Equal(partition, NeededTopic.KeptIn(key, 50));

    [Fact]
    public void Of_an_internal_topic_only_the_partition_of_the_key_is_needed()
    {
        var group = NeededTopic.OfGroup("hello");
        Assert.True(group.MayBeMissing);
        Assert.Equal([22], Enumerable.Range(0, 50).Where(partition => group.Needs(partition, 50)));
        Assert.True(new NeededTopic("video.events").Needs(7, 50));
    }
}
