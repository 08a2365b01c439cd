"""Drives a broker with kafka-python, as an application would. Each thing that works prints a line "ok ..."; what fails
raises. Arguments: the address, a name of one's own, and optionally further settings of the clients as JSON."""
import json
import sys
import threading

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient, NewPartitions, NewTopic
from kafka.errors import MessageSizeTooLargeError, TopicAlreadyExistsError, UnknownTopicOrPartitionError
from kafka.structs import OffsetAndMetadata

address, name = sys.argv[1:3]
settings = {"bootstrap_servers": address, **(json.loads(sys.argv[3]) if len(sys.argv) > 3 else {})}
topic = name + "-records"


def ok(what):
    print("ok " + what, flush=True)


def consumer(group, **more):
    return KafkaConsumer(**{
        "group_id": group, "auto_offset_reset": "earliest", "enable_auto_commit": False, "fetch_max_wait_ms": 200,
        "session_timeout_ms": 6000, "heartbeat_interval_ms": 300, **settings, **more})


def read(from_consumer, count):
    records = []
    while len(records) < count:
        for batch in from_consumer.poll(1000).values():
            records += batch
    return records


def administer():
    admin = KafkaAdminClient(**settings)
    admin.create_topics([NewTopic(topic, 1, 1, topic_configs={"retention.ms": "-1"})])
    try:
        admin.create_topics([NewTopic(topic, 1, 1)])
        raise AssertionError("the topic was made twice")
    except TopicAlreadyExistsError:
        ok("topics")
    admin.create_partitions({topic: NewPartitions(2)})
    assert len(admin.describe_topics([topic])[0]["partitions"]) == 2
    ok("partitions")
    resource = ConfigResource(ConfigResourceType.TOPIC, topic)
    entries = admin.describe_configs([resource])[0].resources[0][4]
    assert [e[1] for e in entries if e[0] == "retention.ms"] == ["-1"], entries
    admin.alter_configs([ConfigResource(
        ConfigResourceType.TOPIC, topic, configs={"retention.ms": "-1", "max.message.bytes": "5000"})])
    entries = admin.describe_configs([resource])[0].resources[0][4]
    assert [e[1] for e in entries if e[0] == "max.message.bytes"] == ["5000"], entries
    ok("configs")
    return admin


def produce():
    for codec in (None, "gzip", "snappy", "lz4", "zstd"):
        try:
            producer = KafkaProducer(compression_type=codec, acks="all", linger_ms=5, **settings)
        except AssertionError:
            # The codec's own library is not installed.
            continue
        sent = [producer.send(topic, key=b"k%d" % i, value=b"%s %d" % (str(codec).encode(), i), partition=0,
                              headers=[("codec", str(codec).encode())]) for i in range(10)]
        assert [s.get(20).offset % 10 for s in sent] == list(range(10))
        producer.close()
        ok("produce " + str(codec))
        codecs.append(str(codec))
    producer = KafkaProducer(**settings)
    try:
        producer.send(topic, value=b"x" * 6000, partition=0).get(20)
        raise AssertionError("a record above max.message.bytes was taken")
    except MessageSizeTooLargeError:
        ok("too large")
    for i in range(5):
        producer.send(topic, value=b"%d" % i, partition=1, timestamp_ms=1000 * (i + 1)).get(20)
    producer.close()


def consume(admin):
    first = consumer(name + "-group")
    first.subscribe([topic])
    records = read(first, 10 * len(codecs) + 5)
    of_zero = [r for r in records if r.partition == 0]
    assert [r.value for r in of_zero] == [b"%s %d" % (c.encode(), i) for c in codecs for i in range(10)]
    assert of_zero[0].headers == [("codec", b"None")] and of_zero[3].key == b"k3"
    first.commit({TopicPartition(topic, 0): OffsetAndMetadata(7, "seven"), TopicPartition(topic, 1): OffsetAndMetadata(5, "")})
    ok("consume")
    partition = TopicPartition(topic, 1)
    found = first.offsets_for_times({partition: 2500})[partition]
    assert (found.offset, found.timestamp) == (2, 3000), found
    assert first.offsets_for_times({partition: 9999})[partition] is None
    assert first.beginning_offsets([partition]) == {partition: 0} and first.end_offsets([partition]) == {partition: 5}
    ok("times")
    first.close()
    again = consumer(name + "-group")
    again.subscribe([topic])
    rest = read(again, len(of_zero) - 7)
    assert (rest[0].partition, rest[0].offset) == (0, 7)
    again.close()
    offsets = admin.list_consumer_group_offsets(name + "-group")
    assert offsets[TopicPartition(topic, 0)] == OffsetAndMetadata(7, "seven"), offsets
    assert (name + "-group", "consumer") in admin.list_consumer_groups()
    assert admin.describe_consumer_groups([name + "-group"])[0].state == "Empty"
    assert admin.delete_consumer_groups([name + "-group"])[0][1].errno == 0
    ok("offsets and groups")


def rebalance():
    members = [consumer(name + "-shared") for _ in range(2)]
    done = threading.Event()

    def poll(member):
        member.subscribe([topic])
        while not done.is_set():
            member.poll(100)

    threads = [threading.Thread(target=poll, args=[m], daemon=True) for m in members]
    for thread in threads:
        thread.start()
    while sorted(len(m.assignment()) for m in members) != [1, 1]:
        done.wait(0.05)
    done.set()
    for member, thread in zip(members, threads):
        thread.join()
        member.close()
    ok("rebalance")


codecs = []
client = administer()
produce()
consume(client)
rebalance()
client.delete_topics([topic])
assert topic not in client.list_topics()
try:
    client.delete_topics([topic])
    raise AssertionError("the topic was deleted twice")
except UnknownTopicOrPartitionError:
    ok("delete")
client.close()
