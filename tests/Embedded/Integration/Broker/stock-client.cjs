// Drives a broker with KafkaJS, as an application would. Each thing that works prints a line "ok ..."; what fails
// throws. Arguments: the address, a name of one's own, and optionally the options of the connection as JSON.
const { Kafka, CompressionTypes, ConfigResourceTypes, logLevel } = require('kafkajs')
const assert = require('node:assert')
const fs = require('node:fs')

const [address, name, more] = process.argv.slice(2)
const options = more ? JSON.parse(more) : {}
if (options.ssl && options.ssl.caFile) options.ssl = { ca: [fs.readFileSync(options.ssl.caFile)], servername: 'localhost' }
const kafka = new Kafka({ clientId: 'kafkajs', brokers: [address], logLevel: logLevel.NOTHING, retry: { retries: 3 }, ...options })
const ok = what => console.log('ok ' + what)
const topic = name + '-records'

async function consume (group, wanted, consumerOptions = {}) {
  const consumer = kafka.consumer({ groupId: group, sessionTimeout: 10000, heartbeatInterval: 500, maxWaitTimeInMs: 200, ...consumerOptions })
  await consumer.connect()
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  const seen = []
  await new Promise((resolve, reject) => {
    consumer.on(consumer.events.CRASH, e => reject(e.payload.error))
    consumer.run({
      eachMessage: async ({ partition, message }) => {
        seen.push({ partition, offset: message.offset, key: message.key && message.key.toString(), value: message.value && message.value.toString(), headers: message.headers })
        if (seen.length === wanted) resolve()
      }
    }).catch(reject)
  })
  await consumer.disconnect()
  return seen
}

async function administer (admin) {
  assert.strictEqual(await admin.createTopics({ topics: [{ topic, numPartitions: 1, configEntries: [{ name: 'retention.ms', value: '-1' }, { name: 'max.message.bytes', value: '2000000' }] }] }), true)
  const { topics: [{ partitions }] } = await admin.fetchTopicMetadata({ topics: [topic] })
  assert.strictEqual(partitions.length, 1)
  assert.ok((await admin.listTopics()).includes(topic))
  const cluster = await admin.describeCluster()
  assert.strictEqual(cluster.brokers.length, 1)
  ok('topics')

  await admin.createPartitions({ topicPartitions: [{ topic, count: 3 }] })
  assert.strictEqual((await admin.fetchTopicMetadata({ topics: [topic] })).topics[0].partitions.length, 3)
  ok('partitions')

  const resource = { type: ConfigResourceTypes.TOPIC, name: topic }
  const read = async () => {
    const described = await admin.describeConfigs({ includeSynonyms: false, resources: [{ ...resource, configNames: ['retention.ms', 'max.message.bytes'] }] })
    return Object.fromEntries(described.resources[0].configEntries.map(e => [e.configName, e.configValue]))
  }
  assert.deepStrictEqual(await read(), { 'retention.ms': '-1', 'max.message.bytes': '2000000' })
  await admin.alterConfigs({ validateOnly: false, resources: [{ ...resource, configEntries: [{ name: 'retention.ms', value: '-1' }] }] })
  assert.deepStrictEqual(await read(), { 'retention.ms': '-1', 'max.message.bytes': '1048588' })
  ok('configs')
}

async function exchange (admin) {
  const producer = kafka.producer({ allowAutoTopicCreation: false })
  await producer.connect()
  await producer.send({ topic, acks: -1, messages: [{ key: 'k', value: 'plain', partition: 0, headers: { one: '1', two: ['a', 'b'] } }, { key: null, value: null, partition: 0 }] })
  await producer.send({ topic, compression: CompressionTypes.GZIP, messages: [{ key: 'k', value: 'gzip', partition: 0 }] })
  const [sent] = await producer.send({ topic, messages: [{ value: 'old', partition: 1, timestamp: '1000' }, { value: 'new', partition: 1, timestamp: '2000' }] })
  assert.strictEqual(sent.baseOffset, '0')
  ok('produce')

  const seen = await consume(name + '-group', 5)
  const first = seen.filter(m => m.partition === 0)
  assert.deepStrictEqual(first.map(m => m.value), ['plain', null, 'gzip'])
  assert.strictEqual(first[0].headers.one.toString(), '1')
  assert.deepStrictEqual(first[0].headers.two.map(String), ['a', 'b'])
  ok('consume')

  const at = await admin.fetchTopicOffsetsByTimestamp(topic, 1500)
  assert.strictEqual(at.find(o => o.partition === 1).offset, '1')
  const ends = await admin.fetchTopicOffsets(topic)
  assert.deepStrictEqual(ends.map(o => [o.partition, o.low, o.high]).sort(), [[0, '0', '3'], [1, '0', '2'], [2, '0', '0']])
  ok('times')

  const [committed] = await admin.fetchOffsets({ groupId: name + '-group', topics: [topic] })
  assert.strictEqual(committed.partitions.find(p => p.partition === 0).offset, '3')
  await admin.setOffsets({ groupId: name + '-group', topic, partitions: [{ partition: 0, offset: '1' }] })
  assert.strictEqual((await admin.fetchOffsets({ groupId: name + '-group', topics: [topic] }))[0].partitions.find(p => p.partition === 0).offset, '1')
  ok('offsets')

  const { groups } = await admin.describeGroups([name + '-group'])
  assert.strictEqual(groups[0].state, 'Empty')
  assert.ok((await admin.listGroups()).groups.some(g => g.groupId === name + '-group'))
  await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '2' }] })
  assert.strictEqual((await admin.fetchTopicOffsets(topic)).find(o => o.partition === 0).low, '2')
  await admin.deleteGroups([name + '-group'])
  ok('administer groups and records')
  await producer.disconnect()
}

async function transact (admin) {
  const producer = kafka.producer({ transactionalId: name + '-tx', maxInFlightRequests: 1, idempotent: true })
  await producer.connect()
  const committed = await producer.transaction()
  await committed.send({ topic, messages: [{ value: 'committed', partition: 2 }] })
  await committed.sendOffsets({ consumerGroupId: name + '-txgroup', topics: [{ topic, partitions: [{ partition: 2, offset: '1' }] }] })
  await committed.commit()
  const aborted = await producer.transaction()
  await aborted.send({ topic, messages: [{ value: 'aborted', partition: 2 }] })
  await aborted.abort()
  await producer.disconnect()
  const [offsets] = await admin.fetchOffsets({ groupId: name + '-txgroup', topics: [topic] })
  assert.strictEqual(offsets.partitions.find(p => p.partition === 2).offset, '1')
  const seen = await consume(name + '-after', 4)
  assert.deepStrictEqual(seen.filter(m => m.partition === 2).map(m => m.value), ['committed'])
  ok('transactions')
}

async function rebalance () {
  const members = [0, 1].map(i => kafka.consumer({ groupId: name + '-shared', sessionTimeout: 10000, rebalanceTimeout: 10000, heartbeatInterval: 300, maxWaitTimeInMs: 200 }))
  const assigned = [new Set(), new Set()]
  for (const [i, member] of members.entries()) {
    member.on(member.events.GROUP_JOIN, e => { assigned[i] = new Set(e.payload.memberAssignment[topic] || []) })
    await member.connect()
    await member.subscribe({ topics: [topic], fromBeginning: true })
    await member.run({ eachMessage: async () => {} })
  }
  const until = async condition => { while (!condition()) await new Promise(resolve => setTimeout(resolve, 20)) }
  await until(() => assigned[0].size > 0 && assigned[1].size > 0 && assigned[0].size + assigned[1].size === 3)
  await members[0].disconnect()
  await until(() => assigned[1].size === 3)
  await members[1].disconnect()
  ok('rebalance')
}

async function main () {
  const admin = kafka.admin()
  await admin.connect()
  if (options.onlyExchange) {
    await admin.createTopics({ topics: [{ topic, numPartitions: 3, configEntries: [{ name: 'retention.ms', value: '-1' }] }] })
    await exchange(admin)
  } else {
    await administer(admin)
    await exchange(admin)
    await transact(admin)
    await rebalance()
    await admin.deleteTopics({ topics: [topic] })
    assert.ok(!(await admin.listTopics()).includes(topic))
    ok('delete')
  }
  await admin.disconnect()
}

main().then(() => process.exit(0), e => { console.error(e); process.exit(1) })
