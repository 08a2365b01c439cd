import {
  byId,
  bytes,
  color,
  el,
  enter,
  list,
  live,
  milliseconds,
  number,
  pick,
  show,
  state,
  table,
  text,
  time,
} from '/assets/common.js';
import { draw } from '/assets/chart.js';
import { playerStateNames, playerStates } from '/assets/contracts.js';

const data = { load: {}, forecasts: {}, windows: [] };
const edgeColors = new Map();
const WINDOW = 30 * 60 * 1000;
const colorOf = (edge) => {
  if (!edgeColors.has(edge)) edgeColors.set(edge, `s${(edgeColors.size % 5) + 1}`);
  return edgeColors.get(edge);
};

await enter('analyst', 'operator');
live(
  [
    'load',
    'windows',
    'forecasts',
    'sessions',
    'decisions',
    'steering',
    'alerts',
    'letters',
    'actions',
    'edges',
    'processes',
    'scale',
    'stream',
  ],
  {
    load: (value) => {
      data.load = value;
      viewers();
      lanes();
    },
    forecasts: (value) => {
      data.forecasts = value;
      viewers();
      weights();
    },
    windows: (value) => {
      data.windows = value;
      stalls();
    },
    sessions,
    decisions,
    steering,
    alerts,
    letters,
    actions,
    edges,
    processes,
    scale,
    stream,
  },
  (connection) => {
    const node = byId('live');
    node.className = `state ${connection === 'live' ? 'good' : 'warn'}`;
    node.textContent = {
      live: 'live',
      lost: 'connecting again',
      replaced: 'stopped: you have too many live pages open',
    }[connection];
  },
);
let redrawing = 0;
addEventListener('resize', () => {
  cancelAnimationFrame(redrawing);
  redrawing = requestAnimationFrame(() => {
    viewers();
    stalls();
  });
});
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
  viewers();
  stalls();
});

function viewers() {
  const series = data.load.viewers,
    steps = series?.steps ?? [];
  const forecast = data.forecasts.viewers?.steps ?? [];
  const last = steps.at(-1);
  if (last) {
    text('f-viewers', number(last[1]));
    text('f-viewers-at', `as of ${time(last[0])}`);
  } else text('f-viewers-at', 'no load measured yet');
  const stepMs = (series?.stepSeconds ?? 10) * 1000,
    span = Math.max(5 * 60000, 90 * stepMs);
  const end = last ? last[0] : forecast[0]?.[0];
  const from = steps.length ? Math.max(steps[0][0], end - span) : undefined;
  const to = end ? end + span / 3 : undefined;
  const near = forecast.filter((p) => (from === undefined || p[0] >= from) && (to === undefined || p[0] <= to));
  draw(
    byId('c-viewers'),
    [
      { color: 's2', band: near.map((p) => [p[0], p[1], p[3]]), points: near.map((p) => [p[0], p[1]]), dash: true },
      { color: 's1', points: steps.filter((p) => from === undefined || p[0] >= from), step: true },
    ],
    { from, to, now: end, least: 4, empty: 'No viewers yet' },
  );
}

/** Seconds of work that wait for a worker. */
function lanes() {
  const waiting = (lane) => data.load[`encode:${lane}:waiting`]?.steps.at(-1)?.[1];
  if (waiting('fast') === undefined) return;
  text('f-lanes', `waiting: ${number(waiting('fast'))} s of first rungs, ${number(waiting('heavy'))} s of the rest`);
}

/** The members of the combination by their names in a forecast. */
const members = {
  gboost: 'Gradient boosting',
  ridge: 'Ridge',
  dhr_ar: 'Harmonic',
  dshw: 'Exponential',
  ssa_day: 'Spectrum',
  week_adj: 'Week profile',
  day_adj: 'Day profile',
  snaive_week: 'Last week',
  snaive_day: 'Yesterday',
  persistence: 'Last value',
};
const RESOURCES_SHOWN = 12;

function weights() {
  const names = Object.keys(members);
  const resources = Object.keys(data.forecasts).sort(
    (a, b) => (b === 'viewers') - (a === 'viewers') || a.localeCompare(b),
  );
  show(
    byId('t-weights'),
    table(
      [{ text: 'Resource' }, ...names.map((name) => ({ text: members[name], num: true }))],
      resources
        .slice(0, RESOURCES_SHOWN)
        .map((resource) => [resource, ...names.map((name) => share(data.forecasts[resource].weights?.[name] ?? 0))]),
      'No forecast yet: the first one comes with the first complete minute of load.',
    ),
  );
}

/** A share of one as a percentage over a bar. */
function share(part) {
  if (part < 0.0005) return el('span', { class: 'quiet' }, '–');
  const bar = el('i');
  bar.style.width = `${part * 100}%`;
  return el(
    'div',
    { class: 'share' },
    `${number(part * 100, part < 0.01 ? 1 : 0)} %`,
    el('div', { class: 'bar', 'aria-hidden': 'true' }, bar),
  );
}

function stalls() {
  const byEdge = new Map();
  for (const one of data.windows) {
    if (!byEdge.has(one.edge)) byEdge.set(one.edge, []);
    byEdge.get(one.edge).push(one);
  }
  const newest = Math.max(0, ...data.windows.map((one) => one.time)),
    from = newest ? newest - WINDOW : undefined;
  const first = Math.max(from ?? 0, Math.min(...data.windows.map((one) => one.time)));
  const edges = [...byEdge.keys()].sort();
  const lines = (value) =>
    edges.map((edge) => ({
      color: colorOf(edge),
      points: byEdge
        .get(edge)
        .filter((one) => one.time >= from)
        .map((one) => [one.time, value(one)]),
    }));
  const options = { from: Number.isFinite(first) ? first : undefined, to: newest || undefined };
  draw(
    byId('c-stalls'),
    lines((one) => (one.playedMs > 0 ? (one.stallMs / (one.playedMs + one.stallMs)) * 1000 : 0)),
    { ...options, least: 4, empty: 'No viewing yet' },
  );
  draw(
    byId('c-requests'),
    lines((one) => one.requests),
    { ...options, least: 4, empty: 'No requests yet' },
  );
  const legend = (suffix) =>
    edges.map((edge) => {
      const box = el('i');
      box.style.background = color(colorOf(edge));
      return el('span', null, box, edge, suffix(edge));
    });
  show(
    byId('l-stalls'),
    legend(() => ''),
    edges.length ? el('span', null, 'ms stalled in each second of viewing') : [],
  );
  show(
    byId('l-requests'),
    legend((edge) => {
      const all = byEdge.get(edge),
        sum = (key) => all.reduce((total, one) => total + one[key], 0);
      const requests = sum('requests');
      return requests ? ` – ${number((sum('hits') / requests) * 100)} % from cache` : '';
    }),
  );
  const recent = data.windows.filter((one) => one.time > newest - 300000),
    total = (key) => recent.reduce((sum, one) => sum + one[key], 0);
  if (recent.length) {
    text('f-stalls', milliseconds(total('stallMs')));
    text('f-stalls-n', `${number(total('stalls'))} stalls in ${number(total('playedMs') / 60000, 1)} min of viewing`);
  } else text('f-stalls-n', 'no window closed yet');
}

const missing = (part) => el('p', { class: 'quiet small' }, part.trouble ?? 'Nothing yet.');

function edges(part) {
  const all = list(part.value, 'edges');
  if (!all.length) {
    show(byId('t-edges'), missing(part));
    return;
  }
  show(
    byId('t-edges'),
    table(
      [{ text: 'Edge' }, { text: 'Region' }, { text: 'Health' }, { text: 'Address' }],
      all.map((edge) => {
        const health = pick(edge, 'health', 'score'),
          up = pick(edge, 'isUp', 'up', 'healthy') ?? (health === null || health > 0);
        const words = health === null ? (up ? 'up' : 'down') : up ? `${number(health * 100)} %` : 'down';
        return [
          edge.name,
          edge.region,
          state(!up ? 'bad' : health !== null && health < 0.8 ? 'warn' : 'good', words),
          el('span', { class: 'mono' }, edge.url ?? ''),
        ];
      }),
      '',
    ),
  );
}

function steering(all) {
  show(
    byId('t-steering'),
    all.length === 0
      ? el('p', { class: 'quiet' }, 'No decision yet.')
      : all
          .slice(0, 4)
          .map((one) =>
            el(
              'p',
              { style: 'margin:.2rem 0' },
              el('time', { class: 'quiet' }, `${time(one.decidedAt)} `),
              el('strong', null, one.pathwayPriority.join(' › ')),
              ` ${one.reason}`,
            ),
          ),
  );
}

function decisions(all) {
  show(
    byId('t-decisions'),
    table(
      [
        { text: 'Time' },
        { text: 'Target' },
        { text: 'Replicas' },
        { text: 'Load', num: true },
        { text: 'Forecast', num: true },
        { text: 'Done' },
        { text: 'Reason' },
      ],
      all
        .slice(0, 12)
        .map((one) => [
          time(one.time),
          one.target,
          one.currentReplicas === one.desiredReplicas
            ? String(one.currentReplicas)
            : `${one.currentReplicas} → ${one.desiredReplicas}`,
          number(one.lastLoad, 1),
          one.forecastLoad === undefined || one.forecastLoad === null ? '–' : number(one.forecastLoad, 1),
          one.error ? state('bad', 'failed') : one.applied ? state('good', 'yes') : state('', 'no'),
          one.error ? `${one.reason} (${one.error})` : one.reason,
        ]),
      'No decision yet: the first one comes with the first complete steps of load.',
    ),
  );
}

function scale(part) {
  if (!part.value) {
    text('f-workers-of', part.trouble ?? '');
    return;
  }
  text('f-workers', number(part.value.replicas));
  text('f-workers-of', `between ${part.value.min} and ${part.value.max}`);
}

function processes(part) {
  const all = list(part.value, 'processes');
  if (!all.length) {
    show(byId('t-processes'), missing(part));
    text('f-memory-n', part.trouble ?? '');
    return;
  }
  const total = all.reduce((sum, one) => sum + (one.pssBytes || one.rssBytes || 0), 0);
  text('f-memory', bytes(total));
  text('f-memory-n', `${all.length} processes, shared pages counted once`);
  show(
    byId('t-processes'),
    table(
      [
        { text: 'Process' },
        { text: 'State' },
        { text: 'Restarts', num: true },
        { text: 'Memory', num: true },
        { text: 'Roles' },
      ],
      all.map((one) => [
        el('span', { title: `pid ${one.pid ?? '–'}` }, one.name),
        state(one.state === 'ready' ? 'good' : one.state === 'stopped' ? '' : 'warn', one.state),
        number(one.restarts),
        bytes(one.pssBytes || one.rssBytes),
        roles(one),
      ]),
      '',
    ),
  );
}

/** The roles of a process; those that are not in order with what they say. */
function roles(one) {
  const faults = (one.health ?? []).filter((role) => role.state !== 'ready');
  return el(
    'div',
    null,
    el('span', { class: 'quiet' }, one.roles.join(', ')),
    faults.map((role) =>
      el(
        'div',
        { class: 'fault', 'data-role': role.role },
        state(role.state === 'degraded' ? 'warn' : 'bad', `${role.role} ${role.state}`),
        ' ',
        role.why.join(' '),
      ),
    ),
  );
}

/** What the stream that computes quality does; its state is read back after a restart before it goes on. */
function stream(part) {
  const now = part.value;
  if (!now) {
    show(byId('t-stream'), missing(part));
    return;
  }
  const { done = 0, total = 0, records = 0 } = now.restore ?? {};
  const words = now.state === 'restoring' ? `restoring ${number(done)} of ${number(total)} stores` : now.state;
  show(
    byId('t-stream'),
    table(
      [
        { text: 'State' },
        { text: 'Tasks', num: true },
        { text: 'Records waiting', num: true },
        { text: 'Processed', num: true },
        { text: 'Late', num: true },
        { text: 'Unreadable', num: true },
        { text: 'Read back', num: true },
        { text: 'Last failure' },
      ],
      [
        [
          state(now.state === 'running' ? 'good' : now.state === 'failed' ? 'bad' : 'warn', words),
          number(now.tasks.length),
          number(now.lag),
          number(now.processed),
          number(now.late),
          number(now.bad),
          number(records),
          now.error ?? '–',
        ],
      ],
      '',
    ),
  );
}

function actions(all) {
  show(
    byId('t-actions'),
    table(
      [{ text: 'Time' }, { text: 'Who' }, { text: 'What' }, { text: 'Reason' }, { text: 'Outcome' }],
      all.slice(0, 10).map((one) => [time(one.at), one.who, `${one.action} ${one.target}`, one.reason, one.detail]),
      'Nothing was done by hand.',
    ),
  );
}

function alerts(all) {
  show(
    byId('t-alerts'),
    table(
      [
        { text: 'Time' },
        { text: 'Rule' },
        { text: 'Where' },
        { text: 'Value', num: true },
        { text: 'Bound', num: true },
      ],
      all
        .slice(0, 10)
        .map((one) => [time(one.raisedAt), one.rule, one.dimension, number(one.value, 2), number(one.threshold, 2)]),
      'No alert.',
    ),
  );
}

function letters(part) {
  const alike = new Map();
  for (const one of part.latest) {
    const key = `${one.topic} ${one.cause}`;
    alike.set(key, { ...one, count: (alike.get(key)?.count ?? 0) + 1 });
  }
  show(
    byId('t-letters'),
    part.count === 0
      ? el('p', { class: 'quiet' }, 'None.')
      : [
          el(
            'p',
            { style: 'margin:0' },
            `${number(part.count)} dead letters among the newest records. The latest ${part.latest.length}, alike ones together:`,
          ),
          table(
            [{ text: 'Number', num: true }, { text: 'Topic' }, { text: 'Cause' }],
            [...alike.values()].slice(0, 4).map((one) => [number(one.count), one.topic, one.cause]),
            '',
          ),
        ],
  );
}

function sessions(part) {
  const row = (one, words, kind) => [
    el('span', { class: 'mono', title: one.sessionId }, one.sessionId.slice(0, 13)),
    state(kind, words),
    one.subject.edge || '–',
    one.subject.region || '–',
    one.subject.player || '–',
    one.quality.startupMs === undefined ? '–' : milliseconds(one.quality.startupMs),
    `${one.quality.stallCount} / ${milliseconds(one.quality.stallMs)}`,
    number(one.quality.averageBitrateKbps),
    number(one.quality.switchCount),
    milliseconds(one.quality.playedMs),
  ];
  show(
    byId('t-sessions'),
    table(
      [
        { text: 'Session' },
        { text: 'State' },
        { text: 'Edge' },
        { text: 'Region' },
        { text: 'Player' },
        { text: 'Startup', num: true },
        { text: 'Stalls', num: true },
        { text: 'kbit/s', num: true },
        { text: 'Switches', num: true },
        { text: 'Played', num: true },
      ],
      [
        ...part.latestOpen.map((one) =>
          row(one, playerStateNames[one.state] ?? one.state, one.state === playerStates.rebuffering ? 'warn' : 'good'),
        ),
        ...part.latestFinished.map((one) => row(one, one.endReason, one.quality.failed ? 'bad' : '')),
      ].slice(0, 20),
      'No session yet.',
    ),
  );
}
