import {
  api,
  bytes,
  byId,
  el,
  enter,
  every,
  list,
  moment,
  note,
  number,
  pick,
  show,
  state,
  text,
  time,
} from '/assets/common.js';

/** Videos that one request brings, and so the step of "Show more". */
const PAGE = 50;
const open = new Set(location.hash ? [location.hash.slice(1)] : []);
const kinds = { published: 'good', playable: 'good', rejected: 'bad', failed: 'bad', encodefailed: 'bad' };
const nodes = new Map();
let events = new Map(),
  wanted = PAGE;

await enter();
every(2000, refresh);
byId('more').addEventListener('click', () => {
  wanted += PAGE;
  refresh();
});

async function refresh() {
  try {
    const { videos, total } = await load(wanted);
    note('', '');
    render(videos);
    text(
      'count',
      total === 0
        ? ''
        : `${number(videos.length)} of ${number(total)} ${total === 1 ? 'video' : 'videos'}, newest first`,
    );
    byId('more').hidden = videos.length >= total;
    await Promise.all([...open].flatMap((id) => [loadEvents(id), loadDetails(id)]));
  } catch (error) {
    note('bad', error.title ?? 'The library cannot be read', error.detail ?? error.message);
  }
}

/** The newest videos up to a number, page by page, and how many there are in all. */
async function load(count) {
  const videos = [];
  let before = null,
    total = null;
  while (videos.length < count) {
    const answer = await api(`/api/videos?limit=${PAGE}${before ? `&before=${before}` : ''}`);
    videos.push(...list(answer, 'videos'));
    total = answer.total ?? null;
    before = answer.next ?? null;
    if (!before) break;
  }
  return { videos, total: before ? (total ?? videos.length + 1) : Math.max(total ?? 0, videos.length) };
}

const idOf = (video) => pick(video, 'videoId', 'id');
const stateOf = (video) => String(pick(video, 'state', 'status') ?? 'unknown');
const canPlay = (words) => /playable|published/i.test(words);

function render(videos) {
  const box = byId('videos');
  if (videos.length === 0) {
    nodes.clear();
    show(box, el('p', null, 'There is no video yet. ', el('a', { href: '/upload' }, 'Upload the first one.')));
    return;
  }
  const shown = videos.map((video) => nodes.get(idOf(video)) ?? create(video));
  videos.forEach(update);
  if (box.children.length !== shown.length || shown.some((node, i) => box.children[i] !== node.box))
    show(
      box,
      shown.map((node) => node.box),
    );
}

function create(video) {
  const id = idOf(video);
  const node = {
    title: el('span'),
    state: el('span'),
    play: el('span'),
    facts: el('p', { class: 'quiet small' }),
    trouble: el('div', { class: 'note bad' }),
    rungs: el('div', { class: 'rungs' }),
    timeline: el('ol', { class: 'timeline' }),
  };
  node.box = el(
    'details',
    { class: 'video', 'data-video': id, open: open.has(id) },
    el(
      'summary',
      null,
      el('span', null, el('span', { class: 'caret', 'aria-hidden': 'true' }, '›'), ' ', node.title),
      node.state,
      node.play,
    ),
    el(
      'div',
      null,
      node.facts,
      node.trouble,
      el('h3', null, 'Renditions'),
      node.rungs,
      el('h3', null, 'Events'),
      node.timeline,
    ),
  );
  node.box.addEventListener('toggle', () => {
    if (node.box.open) {
      open.add(id);
      loadEvents(id);
      loadDetails(id);
    } else open.delete(id);
  });
  nodes.set(id, node);
  return node;
}

function update(video) {
  const id = idOf(video),
    node = nodes.get(id),
    words = stateOf(video);
  node.video = { ...node.details, ...video };
  node.title.textContent = pick(video, 'title', 'fileName') ?? id;
  node.state.className = `state ${kinds[words.toLowerCase().replace(/[^a-z]/g, '')] ?? 'busy'}`;
  node.state.textContent = words;
  if (canPlay(words) !== !!node.play.firstChild)
    show(node.play, canPlay(words) ? el('a', { class: 'button', href: `/watch/${id}` }, 'Watch') : []);
  renderFacts(node);
  renderProgress(id);
}

function renderFacts(node) {
  const { source, fileName, sizeBytes, publisher, problem, remedy, receivedBytes, sha256 } = node.video;
  const received = receivedBytes !== undefined && receivedBytes < sizeBytes ? `${bytes(receivedBytes)} of ` : '';
  const facts = [
    fileName,
    `${received}${bytes(sizeBytes)}`,
    source
      ? `${source.width}×${source.height}, ${number(source.framesPerSecond, 2)} fps, ${number(source.durationSeconds, 1)} s`
      : null,
    publisher,
    sha256 ? `SHA-256 ${sha256.slice(0, 16)}…` : null,
  ];
  node.facts.textContent = facts.filter(Boolean).join(' · ');
  show(node.trouble, problem ? [el('strong', null, problem), remedy ?? ''] : []);
}

async function loadDetails(id) {
  const node = nodes.get(id);
  if (!node) return;
  try {
    node.details = await api(`/api/videos/${id}`);
    node.video = { ...node.details, ...node.video };
    renderFacts(node);
    renderProgress(id);
  } catch {
    /* The list says already that the library cannot be read. */
  }
}

/** The words of the page for what Upload says of a task. */
const states = { queued: 'waiting', running: 'encoding' };
const rank = (name) => ['audio', 'thumbnails', 'probe'].indexOf(name);
const heightOf = (name) => Number.parseInt(name, 10) || 0;

function renderProgress(id) {
  const node = nodes.get(id);
  const tasks = Object.fromEntries(
    list(node.details, 'tasks').map((task) => [task.task, { ...task, state: states[task.state] ?? task.state }]),
  );
  for (const rung of list(pick(node.video, 'ladder'))) tasks[rung.name] ??= { state: 'waiting', fraction: 0 };
  for (const done of list(pick(node.video, 'renditions')))
    tasks[pick(done, 'name') ?? done] = { ...(tasks[done.name] ?? {}), state: 'done', fraction: 1 };
  const names = Object.keys(tasks).sort((a, b) => heightOf(b) - heightOf(a) || rank(a) - rank(b));
  if (names.length === 0) {
    show(node.rungs, el('span', { class: 'quiet' }, 'not planned yet'));
    return;
  }
  show(
    node.rungs,
    names.flatMap((name) => {
      const task = tasks[name],
        percent = Math.round(task.fraction * 100);
      const fill = el('i');
      fill.style.width = `${percent}%`;
      const words =
        task.state === 'encoding' ? `${percent} %${task.speed ? `, ${number(task.speed, 1)}×` : ''}` : task.state;
      return [
        el('span', { class: 'mono' }, name),
        el(
          'div',
          {
            class: `bar ${task.state}`,
            role: 'progressbar',
            'aria-valuenow': percent,
            'aria-valuemin': 0,
            'aria-valuemax': 100,
            'aria-label': name,
          },
          fill,
        ),
        el('span', { class: 'quiet', title: task.cause ?? task.worker ?? '' }, words),
      ];
    }),
  );
}

async function loadEvents(id) {
  const node = nodes.get(id);
  if (!node) return;
  try {
    const all = list(await api(`/api/videos/${id}/events`), 'events');
    if (events.get(id) === all.length) return;
    events.set(id, all.length);
    show(
      node.timeline,
      all.map((event) => {
        const data = pick(event, 'data', 'event', 'payload') ?? {};
        const at =
          pick(event, 'time', 'at', 'occurredAt', 'recordedAt', 'timestamp') ??
          Object.entries(data).find(([name]) => name.endsWith('At'))?.[1];
        return el(
          'li',
          null,
          at ? el('time', { datetime: at, title: moment(at) }, time(at)) : null,
          el('strong', null, words(pick(event, 'type', 'name') ?? 'event')),
          ' ',
          el('span', { class: 'quiet' }, describe(data)),
        );
      }),
    );
  } catch (error) {
    show(node.timeline, el('li', null, `The events cannot be read: ${error.message}`));
  }
}

const words = (type) =>
  type
    .replace(/^video\./, '')
    .replace(/\.v\d+$/, '')
    .replace(/-/g, ' ');
function describe(data) {
  if (data.rendition)
    return `${data.rendition.name} · ${number(data.rendition.averageBandwidthBps / 1000)} kbit/s · ${bytes(data.rendition.sizeBytes)}`;
  if (data.ladder) return data.ladder.map((rung) => rung.name).join(', ');
  if (data.source)
    return `${data.source.width}×${data.source.height}, ${data.source.videoCodec}, ${number(data.source.durationSeconds, 1)} s`;
  if (data.tags) return [data.title, ...data.tags].join(' · ');
  if (data.sha256) return `${bytes(data.sizeBytes)} · SHA-256 ${data.sha256.slice(0, 12)}…`;
  if (data.fileName) return `${data.fileName} · ${bytes(data.sizeBytes)} · by ${data.publisher}`;
  return [data.firstRung, data.reason, data.remedy, data.cause].filter(Boolean).join(' · ');
}
