import { api, byId, el, enter, note, number, show, text } from '/assets/common.js';

const examples = [
  [
    'Tables and rows',
    "SELECT name AS table, total_rows AS rows, formatReadableSize(total_bytes) AS size\nFROM system.tables\nWHERE database = 'es' AND total_rows > 0\nORDER BY rows DESC",
  ],
  [
    'Sessions, newest first',
    'SELECT ended_at, video_id, edge, player, end_reason, startup_ms, stall_count, stall_ms,\n       round(average_bitrate_kbps) AS kbps, switch_count\nFROM es.sessions\nORDER BY ended_at DESC\nLIMIT 20',
  ],
  [
    'Stall time by edge',
    'SELECT edge, round(sum(stall_ms)) AS stall_ms, round(sum(played_ms)) AS played_ms,\n       round(1000 * stall_ms / played_ms, 2) AS stall_ms_per_second\nFROM es.qoe_windows\nGROUP BY edge\nORDER BY edge',
  ],
  [
    'Startup time',
    'SELECT player, count() AS sessions, round(quantile(0.5)(startup_ms)) AS median_ms,\n       round(quantile(0.95)(startup_ms)) AS p95_ms\nFROM es.sessions\nWHERE startup_ms IS NOT NULL\nGROUP BY player',
  ],
  [
    'Edge hit ratio',
    "SELECT edge, count() AS requests, formatReadableSize(sum(bytes)) AS sent,\n       round(countIf(cache_status = 'HIT') / count(), 3) AS hit_ratio\nFROM es.requests\nGROUP BY edge\nORDER BY edge",
  ],
  [
    'Beacons a minute',
    'SELECT toStartOfMinute(time) AS minute, count() AS beacons, uniqExact(session_id) AS sessions\nFROM es.beacons\nWHERE proven\nGROUP BY minute\nORDER BY minute DESC\nLIMIT 30',
  ],
  [
    'Sessions by edge',
    'SELECT edge, region, uniqExact(session_id) AS sessions, round(sum(played_ms) / 60000, 1) AS minutes_played,\n       round(sum(stall_ms)) AS stall_ms, sum(requests) AS requests, sum(request_errors) AS errors\nFROM es.session_edges\nGROUP BY edge, region\nORDER BY edge',
  ],
  [
    'What operators did',
    'SELECT time, who, role, action, target, reason, detail\nFROM es.operator_actions\nORDER BY time DESC\nLIMIT 50',
  ],
];
await enter('analyst', 'operator');
const sql = byId('sql');
sql.value = sessionStorage.getItem('sql') ?? examples[0][1];
show(
  byId('examples'),
  examples.map(([name, query]) =>
    el(
      'p',
      { style: 'margin:.25rem 0' },
      el(
        'a',
        {
          href: '#',
          onclick: (event) => {
            event.preventDefault();
            sql.value = query;
            run();
          },
        },
        name,
      ),
    ),
  ),
);
byId('form').addEventListener('submit', (event) => {
  event.preventDefault();
  run();
});
sql.addEventListener('keydown', (event) => {
  if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    run();
  }
});

async function run() {
  const button = byId('run');
  sessionStorage.setItem('sql', sql.value);
  button.disabled = true;
  note('', '');
  text('took', 'running…');
  const begun = performance.now();
  try {
    const answer = await api('/api/sql', {
      method: 'POST',
      headers: { 'Content-Type': 'text/plain' },
      body: sql.value,
    });
    if (typeof answer !== 'object') {
      text('took', '');
      show(byId('result'), el('pre', { class: 'mono' }, String(answer)));
      return;
    }
    text(
      'took',
      `${number(answer.rows ?? answer.data.length)} rows in ${number(performance.now() - begun)} ms${answer.statistics ? `, ${number(answer.statistics.rows_read)} rows read` : ''}`,
    );
    const isNumber = answer.meta.map(
      (column) => /Int|Float|Decimal/.test(column.type) && !/Array|Map|Tuple/.test(column.type),
    );
    show(
      byId('result'),
      el(
        'table',
        { id: 'rows' },
        el(
          'thead',
          null,
          el(
            'tr',
            null,
            answer.meta.map((column, i) =>
              el('th', { class: isNumber[i] ? 'num' : null, title: column.type }, column.name),
            ),
          ),
        ),
        el(
          'tbody',
          null,
          answer.data.map((row) =>
            el(
              'tr',
              null,
              row.map((value, i) => el('td', { class: isNumber[i] ? 'num mono' : null }, format(value))),
            ),
          ),
        ),
      ),
    );
    if (answer.data.length === 0) byId('result').append(el('p', { class: 'quiet' }, 'No row.'));
  } catch (error) {
    text('took', '');
    // The result of an earlier query is not the answer to this one.
    show(byId('result'), el('p', { class: 'quiet' }, 'No result: the query failed.'));
    note('bad', error.title ?? 'The query failed', error.detail ?? error.message);
  } finally {
    button.disabled = false;
  }
}

const format = (value) => (value === null ? '∅' : typeof value === 'object' ? JSON.stringify(value) : String(value));
