import {
  api,
  byId,
  el,
  every,
  list,
  milliseconds,
  note,
  number,
  pick,
  show,
  text,
  time,
  visit,
} from '/assets/common.js';
import { draw } from '/assets/chart.js';
import { playerStateNames } from '/assets/contracts.js';
import { playDash, playHls, quit } from '/assets/players.js';

const videoId = decodeURIComponent(location.pathname.split('/').pop());
const query = new URLSearchParams(location.search);
const kind = query.get('player') === 'dash' ? 'dash' : 'hls';
const bufferSeconds = Math.min(60, Math.max(2, Number(query.get('buffer')) || 12));
const video = byId('video');
const HISTORY_MAX = 240;

/** What this page measures itself. Durations in milliseconds, bitrate in kbit/s; startupMs is null until the first picture moves. */
const own = (window.__qoe = {
  sessionId: null,
  videoId,
  player: kind,
  state: 'opening',
  startupMs: null,
  stalls: 0,
  stallMs: 0,
  switches: 0,
  bitrateKbps: null,
  averageBitrateKbps: null,
  edge: null,
  edges: [],
  segments: 0,
  playedMs: 0,
  positionS: 0,
  error: null,
});
window.__platform = null;
let session = null,
  player = null,
  begun = 0,
  stalledAt = null,
  seeking = false,
  lastPosition = null,
  lastTick = null,
  weighted = 0,
  edgesByAuthority = new Map(),
  history = [],
  closed = false;

for (const other of ['hls', 'dash']) {
  const link = byId(`use-${other}`),
    to = new URLSearchParams(query);
  to.set('player', other);
  link.href = `?${to}`;
  if (other === kind) {
    link.classList.add('primary');
    link.setAttribute('aria-current', 'true');
  }
}
text('subtitle', videoId);
// Viewers have no key: what only users may read is left out for them.
const user = (await visit()).name;
if (!user) text('reported', 'Sign in to see what the platform says of this session.');
start();

async function start() {
  if (user) nameThings();
  try {
    const wanted = { player: kind === 'hls' ? 'hls.js' : 'dash.js' };
    if (query.get('region')) wanted.region = query.get('region');
    session = await api(`/api/videos/${videoId}/sessions`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(wanted),
    });
  } catch (error) {
    own.state = 'failed';
    own.error = error.message;
    note('bad', error.title ?? 'The video cannot be played', error.detail ?? error.message);
    render();
    return;
  }
  own.sessionId = session.sessionId;
  text('session', `session ${session.sessionId}`);
  if (session.posterUrl) video.poster = session.posterUrl;
  if (typeof (kind === 'hls' ? window.Hls : window.dashjs) === 'undefined') {
    fail('The player is not installed', 'Run `make setup`; it fetches hls.js and dash.js.');
    return;
  }
  begun = performance.now();
  own.state = 'starting';
  player = (kind === 'hls' ? playHls : playDash)(video, session, bufferSeconds, {
    loaded,
    switched,
    said: log,
    failed: (words) => fail('The video stopped', words),
  });
  log(`${player.name} ${player.version} begins`);
  setInterval(tick, 250);
  if (user) every(2000, askPlatform);
}

function nameThings() {
  api(`/api/videos/${videoId}`)
    .then((one) => {
      const title = pick(one, 'title', 'fileName');
      if (title) {
        text('title', title);
        document.title = `${title} · EventStream`;
      }
    })
    .catch(() => {});
  api('/api/edges')
    .then((answer) => {
      for (const edge of list(answer, 'edges')) if (edge.url) edgesByAuthority.set(new URL(edge.url).host, edge.name);
    })
    .catch(() => {});
}

function fail(title, detail) {
  own.state = 'failed';
  own.error = detail;
  note('bad', title, detail);
  log(detail);
  render();
}

function loaded(url, pathway) {
  own.segments++;
  const edge = pathway && pathway !== '.' ? pathway : (edgesByAuthority.get(new URL(url).host) ?? new URL(url).host);
  if (edge === own.edge) return;
  log(own.edge ? `edge ${own.edge} → ${edge}` : `edge ${edge}`);
  own.edge = edge;
  if (!own.edges.includes(edge)) own.edges.push(edge);
}

let first = true;
function switched(kbps, name) {
  if (!first) own.switches++;
  log(`${first ? 'starts at' : 'switches to'} ${name} (${number(kbps)} kbit/s)`);
  first = false;
  own.bitrateKbps = kbps;
}

video.addEventListener('playing', () => {
  if (own.startupMs === null) {
    own.startupMs = Math.round(performance.now() - begun);
    log(`first picture after ${milliseconds(own.startupMs)}`);
  }
  endStall();
  own.state = 'playing';
});
video.addEventListener('waiting', () => {
  if (own.startupMs === null || seeking || video.ended) return;
  stalledAt = performance.now();
  own.stalls++;
  own.state = 'stalled';
  log('stalls');
});
video.addEventListener('seeking', () => {
  seeking = true;
});
video.addEventListener('seeked', () => {
  seeking = false;
});
video.addEventListener('pause', () => {
  endStall();
  if (!video.ended) own.state = 'paused';
});
video.addEventListener('ended', () => {
  endStall();
  own.state = 'ended';
  log('ended');
});

function endStall() {
  if (stalledAt === null) return;
  const lasted = performance.now() - stalledAt;
  own.stallMs = Math.round(own.stallMs + lasted);
  stalledAt = null;
  log(`goes on after ${milliseconds(lasted)}`);
}

function tick() {
  const now = performance.now(),
    position = video.currentTime;
  own.bitrateKbps = player.bitrate() ?? own.bitrateKbps;
  if (lastPosition !== null && position > lastPosition && !seeking) {
    const moved = Math.min((position - lastPosition) * 1000, (now - lastTick) * (video.playbackRate || 1) * 1.5);
    own.playedMs = Math.round(own.playedMs + moved);
    if (own.bitrateKbps) weighted += moved * own.bitrateKbps;
    own.averageBitrateKbps = own.playedMs ? Math.round(weighted / own.playedMs) : null;
    if (stalledAt !== null) {
      endStall();
      own.state = 'playing';
    }
  }
  lastPosition = position;
  lastTick = now;
  own.positionS = position;
  const ranges = video.buffered;
  let ahead = 0;
  for (let i = 0; i < ranges.length; i++)
    if (ranges.start(i) <= position + 0.1 && ranges.end(i) > position) ahead = ranges.end(i) - position;
  own.bufferS = ahead;
  if (history.length === 0 || Date.now() - history.at(-1).at >= 500) {
    history.push({ at: Date.now(), kbps: own.bitrateKbps ?? 0, ahead });
    if (history.length > HISTORY_MAX) history.shift();
    draw(
      byId('chart'),
      [
        { color: 's1', points: history.map((h) => [h.at, h.kbps]), step: true },
        { color: 's3', points: history.map((h) => [h.at, h.ahead]), right: true },
      ],
      { from: history[0].at, to: Math.max(history.at(-1).at, history[0].at + 10000) },
    );
  }
  render();
}

async function askPlatform() {
  if (!session) return;
  try {
    window.__platform = await api(`/api/sessions/${session.sessionId}`);
    text(
      'reported',
      `The platform received ${number(pick(window.__platform, 'beacons') ?? 0)} reports of this player; its figures are a few seconds behind.`,
    );
  } catch (error) {
    text(
      'reported',
      error.status === 404
        ? 'The platform has no report of this session yet.'
        : `The platform's figures: ${error.message}`,
    );
  }
  render();
}

function render() {
  // Counts that are zero are left out of the answer.
  const said = window.__platform,
    quality = said ? { stallCount: 0, stallMs: 0, switchCount: 0, ...(pick(said, 'quality') ?? {}) } : {},
    subject = said?.subject ?? said ?? {};
  const rows = [
    ['State', own.state, said ? (pick(said, 'endReason') ?? playerStateNames[said.state] ?? said.state ?? '–') : '–'],
    ['Startup', milliseconds(own.startupMs), milliseconds(quality.startupMs)],
    ['Stalls', number(own.stalls), number(quality.stallCount)],
    ['Stall time', milliseconds(own.stallMs), milliseconds(quality.stallMs)],
    ['Bitrate now', own.bitrateKbps ? `${number(own.bitrateKbps)} kbit/s` : '–', ''],
    [
      'Bitrate, mean',
      own.averageBitrateKbps ? `${number(own.averageBitrateKbps)} kbit/s` : '–',
      quality.averageBitrateKbps ? `${number(quality.averageBitrateKbps)} kbit/s` : '–',
    ],
    ['Switches', number(own.switches), number(quality.switchCount)],
    ['Played', milliseconds(own.playedMs), milliseconds(quality.playedMs)],
    ['Edge', own.edge ?? '–', subject.edge || '–'],
    ['Segments', number(own.segments), ''],
  ];
  show(
    byId('qoe'),
    rows.map(([name, here, there]) =>
      el('tr', null, el('td', null, name), el('td', { class: 'num' }, here), el('td', { class: 'num' }, there)),
    ),
  );
}

function log(what) {
  const box = byId('log');
  box.append(el('li', null, el('time', null, time(Date.now())), what));
  while (box.children.length > 100) box.firstChild.remove();
}

addEventListener('pagehide', () => {
  if (!session || !player || closed) return;
  closed = true;
  endStall();
  const over = video.ended || own.state === 'failed';
  let sequence = null;
  try {
    sequence = player.stop();
  } catch {
    /* The last word matters more than an orderly end of the player. */
  }
  if (!over) quit(session, sequence);
});
addEventListener('pageshow', (event) => {
  if (event.persisted) location.reload();
});
render();
