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
const kinds = { published: 'good', playable: 'good', rejected: 'bad', failed: 'bad', cancelled: 'bad' };
const nodes = new Map();
let events = new Map(),
  wanted = PAGE,
  tag = '',
  asked = 0;

const who = await enter();
const mayChange = ['publisher', 'operator'].includes(who.role);
every(2000, refresh);
byId('find').addEventListener('submit', (event) => event.preventDefault());
for (const [id, name] of [
  ['q', 'input'],
  ['status', 'change'],
])
  byId(id).addEventListener(name, find);
byId('tag').addEventListener('click', () => findTag(''));

function find() {
  wanted = PAGE;
  return refresh();
}

function findTag(wantedTag) {
  tag = wantedTag;
  byId('tag').hidden = !tag;
  text('tag', `${tag} ×`);
  return find();
}

byId('more').addEventListener('click', () => {
  wanted += PAGE;
  refresh();
});

async function refresh() {
  const turn = ++asked;
  try {
    const { videos, total } = await load(wanted);
    // A slow answer to an earlier question is not shown.
    if (turn !== asked) return;
    if (byId('note').dataset.from === 'list') note('', '');
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
    byId('note').dataset.from = 'list';
  }
}

/** What is asked for, as a query. */
function question() {
  const found = new URLSearchParams();
  for (const [name, value] of [
    ['q', byId('q').value.trim()],
    ['status', byId('status').value],
    ['tag', tag],
  ])
    if (value) found.set(name, value);
  return found.size ? `&${found}` : '';
}

/** The newest videos up to a number, page by page, and how many there are in all. */
async function load(count) {
  const videos = [],
    asking = question();
  let before = null,
    total = null;
  while (videos.length < count) {
    const answer = await api(`/api/videos?limit=${PAGE}${before ? `&before=${before}` : ''}${asking}`);
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
    show(
      box,
      question()
        ? el('p', { class: 'quiet' }, 'No video is like that.')
        : el('p', null, 'There is no video yet. ', el('a', { href: '/upload' }, 'Upload the first one.')),
    );
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
    tags: el('span'),
    facts: el('p', { class: 'quiet small' }),
    edit: el('div'),
    coming: el('div', { class: 'note' }),
    trouble: el('div', { class: 'note bad' }),
    rungs: el('div', { class: 'rungs' }),
    quality: el('p', { class: 'quiet small' }),
    timeline: el('ol', { class: 'timeline' }),
  };
  node.box = el(
    'details',
    { class: 'video', 'data-video': id, open: open.has(id) },
    el(
      'summary',
      null,
      el('span', null, el('span', { class: 'caret', 'aria-hidden': 'true' }, '›'), ' ', node.title, ' ', node.tags),
      node.state,
      node.play,
    ),
    el(
      'div',
      null,
      node.facts,
      node.coming,
      node.trouble,
      node.edit,
      el('h3', null, 'Renditions'),
      node.rungs,
      node.quality,
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
  renderTags(node);
  node.title.textContent = pick(video, 'title', 'fileName') ?? id;
  node.state.className = `state ${kinds[words.toLowerCase().replace(/[^a-z]/g, '')] ?? 'busy'}`;
  node.state.textContent = words;
  if (canPlay(words) !== !!node.play.firstChild)
    show(node.play, canPlay(words) ? el('a', { class: 'button', href: `/watch/${id}` }, 'Watch') : []);
  renderFacts(node);
  renderProgress(id);
}

function renderTags(node) {
  const tags = list(node.video.tags);
  if (node.shownTags === tags.join('\n')) return;
  node.shownTags = tags.join('\n');
  show(
    node.tags,
    tags.flatMap((name) => [
      el(
        'button',
        {
          class: 'small tag',
          type: 'button',
          onclick: (event) => {
            event.preventDefault();
            findTag(name);
          },
        },
        name,
      ),
      ' ',
    ]),
  );
}

/** What a publisher changes; made once, so that nothing is overwritten while it is being written. */
function renderEdit(node) {
  const { id, title, tags, status } = node.details;
  node.cancel ??= el(
    'button',
    { type: 'button', class: 'small', onclick: () => change(id, 'POST', '/cancel') },
    'Stop encoding',
  );
  const encoding = ['uploaded', 'probed', 'encoding', 'playable'].includes(status) || node.details.nextEdition;
  node.cancel.hidden = !encoding;
  if (node.edit.firstChild || !mayChange) return;
  const [titleInput, tagsInput] = [
    el('input', { type: 'text', maxlength: 200, value: title, required: true }),
    el('input', { type: 'text', value: tags.join(', '), placeholder: 'with commas' }),
  ];
  show(
    node.edit,
    el(
      'form',
      {
        class: 'edit',
        autocomplete: 'off',
        onsubmit: (event) => {
          event.preventDefault();
          const words = tagsInput.value.split(',').map((word) => word.trim());
          describe(node, { title: titleInput.value, tags: words.filter(Boolean) });
        },
      },
      el('label', null, 'Title', titleInput),
      el('label', null, 'Tags', tagsInput),
      el('button', { type: 'submit' }, 'Save'),
    ),
    el(
      'p',
      { class: 'row' },
      el('button', { type: 'button', class: 'small', onclick: () => change(id, 'POST', '/encode') }, 'Encode again'),
      el('a', { class: 'button small', href: `/upload?replaces=${id}` }, 'Replace the file'),
      node.cancel,
      el('button', { type: 'button', class: 'small danger', onclick: () => remove(node) }, 'Delete'),
    ),
  );
}

async function describe(node, words) {
  const revision = { 'If-Match': `"${node.details.revision}"`, 'Content-Type': 'application/merge-patch+json' };
  await change(node.details.id, 'PATCH', '', { headers: revision, body: JSON.stringify(words) });
}

async function remove(node) {
  const dialog = byId('ask');
  text('ask-title', `Delete “${node.video.title}”?`);
  text('ask-words', 'The video and everything that was encoded of it are removed. This cannot be undone.');
  text('ask-yes', 'Delete the video');
  dialog.returnValue = 'no';
  dialog.showModal();
  await new Promise((closed) => dialog.addEventListener('close', closed, { once: true }));
  if (dialog.returnValue === 'yes') await change(node.details.id, 'DELETE', '');
}

/** Sends a change; what is written in the form is read again after it, also where somebody else changed it. */
async function change(id, method, rest, options) {
  const node = nodes.get(id);
  try {
    await api(`/api/videos/${id}${rest}`, { method, ...options });
    note('', '');
  } catch (error) {
    note('bad', error.title ?? 'The video was not changed', error.detail ?? error.message);
    byId('note').dataset.from = 'change';
  }
  show(node.edit, []);
  if (method === 'DELETE') open.delete(id);
  else await loadDetails(id);
  await refresh();
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
  show(node.coming, node.next ? [el('strong', null, 'A new edition is on its way'), ahead(node.next)] : []);
  show(node.trouble, problem ? [el('strong', null, problem), remedy ?? ''] : []);
}

/** How far an edition is, in words. */
function ahead({ fileName, status, tasks, problem, remedy }) {
  const encoding = list(tasks).filter(({ task }) => task !== 'probe' && task !== MEASURING);
  const done = encoding.reduce((sum, task) => sum + task.fraction, 0) / (encoding.length || 1);
  return [fileName, `${status}${encoding.length ? `, ${Math.round(done * 100)} %` : ''}`, problem, remedy]
    .filter(Boolean)
    .join(' · ');
}

/** How like their source the renditions are: a fact beside the encoding, which does not wait for it. */
function renderQuality(node, task) {
  const likeness = list(node.video, 'renditions').flatMap(({ quality }) => (quality ? [quality.ssim] : []));
  const [least, most] = [Math.min(...likeness), Math.max(...likeness)].map((ssim) => number(ssim, 3));
  node.quality.textContent = likeness.length
    ? `Quality: SSIM ${least === most ? least : `${least} to ${most}`}`
    : task?.state === 'encoding'
      ? `Measuring the quality, ${Math.round(task.fraction * 100)} %`
      : '';
}

async function loadDetails(id) {
  const node = nodes.get(id);
  if (!node) return;
  try {
    node.details = await api(`/api/videos/${id}`);
    const { nextEdition } = node.details;
    node.next = nextEdition ? await api(`/api/videos/${nextEdition}`) : null;
    node.video = { ...node.details, ...node.video };
    renderFacts(node);
    renderEdit(node);
    renderProgress(id);
  } catch {
    /* The list says already that the library cannot be read. */
  }
}

/** The task that compares renditions with their source, also after the video is published. */
const MEASURING = 'quality';
/** The task that encodes all rungs after the first. */
const TOGETHER = 'rungs';
/** The words of the page for what Upload says of a task. */
const states = { queued: 'waiting', running: 'encoding' };
const rank = (name) => ['audio', 'thumbnails', 'probe'].indexOf(name);
const heightOf = (name) => Number.parseInt(name, 10) || 0;

function renderProgress(id) {
  const node = nodes.get(id);
  const tasks = Object.fromEntries(
    list(node.details, 'tasks').map((task) => [task.task, { ...task, state: states[task.state] ?? task.state }]),
  );
  renderQuality(node, tasks[MEASURING]);
  const together = tasks[TOGETHER] ?? { state: 'waiting', fraction: 0 };
  for (const name of [MEASURING, TOGETHER]) delete tasks[name];
  for (const rung of list(pick(node.video, 'ladder'))) tasks[rung.name] ??= together;
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
          el('span', { class: 'quiet' }, factsOf(data)),
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
function factsOf(data) {
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
