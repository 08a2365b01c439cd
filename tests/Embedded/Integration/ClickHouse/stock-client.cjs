// Drives the embedded engine with ClickHouse's own JavaScript client, unchanged. Prints one line a check and exits 1 at a failure.
const { createClient, ClickHouseError } = require('@clickhouse/client');
const assert = require('node:assert');
const { Readable } = require('node:stream');

const [url, password, readerPassword] = process.argv.slice(2);
const client = createClient({ url, username: 'default', password, compression: { request: true, response: true } });
const reader = createClient({ url, username: 'reader', password: readerPassword });

const checks = {
  async ping() {
    assert.deepEqual(await client.ping(), { success: true });
    assert.equal((await client.ping({ select: true })).success, true);
  },
  async command() {
    await client.command({ query: 'CREATE DATABASE IF NOT EXISTS stock ENGINE = Atomic' });
    await client.command({ query: 'CREATE TABLE stock.t (id UInt64, name String, tags Array(String)) ENGINE = MergeTree ORDER BY id '
      + 'SETTINGS non_replicated_deduplication_window = 100' });
  },
  async insert() {
    const values = [{ id: 1, name: "a'b;\n", tags: ['x'] }, { id: 2, name: 'c', tags: [] }];
    const settings = { insert_deduplication_token: 'one', async_insert: 0 };
    for (let i = 0; i < 2; i++)
      await client.insert({ table: 'stock.t', values, format: 'JSONEachRow', clickhouse_settings: settings });
    const result = await client.insert({ table: 'stock.t', columns: ['id', 'name'], format: 'JSONEachRow',
      values: Readable.from((function* () { for (let i = 10; i < 5010; i++) yield { id: i, name: `n${i}` }; })()) });
    assert.equal(result.summary.written_rows, '5000');
  },
  async queryWithParameters() {
    const rows = await (await reader.query({ format: 'JSONEachRow',
      query: 'SELECT id, name FROM stock.t WHERE id <= {most:UInt64} AND name IN {names:Array(String)} ORDER BY id',
      query_params: { most: 2, names: ["a'b;\n", 'nobody'] } })).json();
    assert.deepEqual(rows, [{ id: 1, name: "a'b;\n" }]);
  },
  async wholeDocument() {
    const document = await (await client.query({ query: 'SELECT count() AS n FROM stock.t', format: 'JSON' })).json();
    assert.equal(Number(document.data[0].n), 5002);
  },
  async streaming() {
    let rows = 0;
    const result = await reader.query({ query: 'SELECT number FROM numbers(300000)', format: 'JSONEachRow' });
    for await (const chunk of result.stream()) rows += chunk.length;
    assert.equal(rows, 300000);
  },
  async typedErrors() {
    const fails = async (promise, code, type) => assert.rejects(promise, e => e instanceof ClickHouseError
      && e.code === code && e.type === type);
    await fails(client.query({ query: 'SELECT * FROM stock.nope' }), '60', 'UNKNOWN_TABLE');
    await fails(client.query({ query: 'SELECT {x:UInt8}' }), '456', 'UNKNOWN_QUERY_PARAMETER');
    await fails(reader.insert({ table: 'stock.t', values: [{ id: 1 }], format: 'JSONEachRow' }), '164', 'READONLY');
    await fails(reader.query({ query: "SELECT file('/etc/passwd')" }), '497', 'ACCESS_DENIED');
    await fails(createClient({ url, password: 'wrong' }).query({ query: 'SELECT 1' }), '516', 'AUTHENTICATION_FAILED');
  },
  async failureInTheMiddleOfAStream() {
    // The engine runs some blocks ahead of what it has given out, and a failure there is told before the first row. So
    // the failing row comes many blocks later, of which few rows are kept.
    const result = await reader.query({ format: 'JSONEachRow',
      query: 'SELECT number, throwIf(number = 400000000) AS t FROM numbers(500000000) WHERE number % 100000 = 0' });
    await assert.rejects(async () => { for await (const _ of result.stream()) { /* reads on */ } },
      e => e instanceof ClickHouseError && e.code === '395');
  },
  async sessions() {
    const session = createClient({ url, password, session_id: 'stock-session' });
    await session.command({ query: 'CREATE TEMPORARY TABLE mine (a UInt8)' });
    await session.insert({ table: 'mine', values: [{ a: 7 }], format: 'JSONEachRow' });
    assert.deepEqual(await (await session.query({ query: 'SELECT a FROM mine', format: 'JSONEachRow' })).json(), [{ a: 7 }]);
    await assert.rejects(client.query({ query: 'SELECT a FROM mine' }));
    await session.close();
  },
  async settingsDoNotLeak() {
    const threads = async settings => (await (await client.query({ format: 'JSONEachRow', clickhouse_settings: settings,
      query: "SELECT toUInt32(getSetting('max_block_size')) AS n" })).json())[0].n;
    const before = await threads({});
    assert.equal(await threads({ max_block_size: '1234' }), 1234);
    assert.equal(await threads({}), before);
  },
  async databaseOption() {
    const inside = createClient({ url, password, database: 'stock' });
    assert.equal(await (await inside.query({ query: 'SELECT min(id) FROM t', format: 'TSV' })).text(), '1\n');
  },
  async manyAtOnce() {
    const answers = await Promise.all(Array.from({ length: 30 }, async (_, i) =>
      (await (await reader.query({ query: `SELECT ${i} AS i, sleepEachRow(0.01)`, format: 'JSONEachRow' })).json())[0].i));
    assert.deepEqual(answers, Array.from({ length: 30 }, (_, i) => i));
  },
  async abort() {
    const abort = new AbortController();
    const asked = client.query({ query: 'SELECT count() FROM numbers(1000000000000) WHERE sipHash64(number) = 42',
      abort_signal: abort.signal });
    setTimeout(() => abort.abort(), 200);
    await assert.rejects(asked);
  },
};

(async () => {
  for (const [name, check] of Object.entries(checks)) {
    try {
      await check();
      console.log(`ok ${name}`);
    } catch (e) {
      console.log(`FAILED ${name}: ${e.stack}`);
      process.exitCode = 1;
    }
  }
  process.exit();
})();
