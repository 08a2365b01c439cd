// What every page shares: reading from the console's API, formatting, and building elements without markup in strings.

export class ApiError extends Error {
  constructor(status, title, detail) {
    super(detail ? `${title}. ${detail}` : title);
    this.status = status;
    this.title = title;
    this.detail = detail;
  }
}

export async function api(path, options) {
  const isWrite = !['GET', 'HEAD', undefined].includes(options?.method);
  const token = isWrite ? { 'X-Antiforgery': (await session()).token } : {};
  const { status, body } = await ask(path, { ...options, headers: { ...token, ...options?.headers } });
  if (status < 400) return body;
  if (status === 401) toSignIn();
  const said = typeof body === 'object' && body !== null ? body : {};
  throw new ApiError(status, said.title ?? `The answer was ${status}`, said.detail ?? '');
}

async function ask(path, options) {
  let answer;
  try {
    // The console answers pages with 200 and the real status in a header, so that a role that is away is not an error
    // of the browser's console.
    answer = await fetch(path, { ...options, headers: { 'X-Console-Page': '1', ...options?.headers } });
  } catch {
    throw new ApiError(0, 'The console does not answer', 'Is it still running?');
  }
  const type = answer.headers.get('content-type') ?? '';
  const body = type.includes('json') ? await answer.json() : await answer.text();
  return { status: Number(answer.headers.get('x-problem-status') ?? answer.status), body };
}

let known = null;
/** Who is signed in: { name, role, token }; name is null for nobody. The token goes with every write. */
export function session() {
  known ??= ask('/api/session')
    .then(({ status, body }) => {
      if (status >= 400) throw new ApiError(status, body?.title ?? `The answer was ${status}`, body?.detail ?? '');
      return body;
    })
    .catch((error) => {
      known = null;
      throw error;
    });
  return known;
}

const never = new Promise(() => {});
function toSignIn() {
  location.replace(`/sign-in?next=${encodeURIComponent(location.pathname + location.search + location.hash)}`);
}

/** The first thing a page does that is for anyone: returns who is signed in, with a name of null for nobody. */
export async function visit() {
  try {
    const who = await session();
    if (who.name) header(who);
    return who;
  } catch (error) {
    note('bad', error.title, error.detail);
    return never;
  }
}

/**
 * The first thing every other page does: returns who is signed in, or goes to the sign-in page. Where roles are named and the
 * user has another, the page says so and stops.
 */
export async function enter(...roles) {
  const who = await visit();
  if (!who.name) {
    toSignIn();
    return never;
  }
  if (roles.length === 0 || roles.includes(who.role)) return who;
  note(
    'warn',
    'This page is not for your key',
    `You are signed in as ${who.name} with the role '${who.role}'; the page is for: ${roles.join(', ')}.`,
  );
  for (const part of byId('main').children)
    part.hidden = part.id !== 'note' && part.tagName !== 'H1' && !part.querySelector('h1');
  return never;
}

/** Pages that a role has no use for. */
const closed = { publisher: ['/operations', '/data'], analyst: ['/upload'] };

function header(who) {
  for (const link of document.querySelectorAll('nav.site a, .cards a'))
    link.hidden = (closed[who.role] ?? []).includes(link.getAttribute('href'));
  document.querySelector('header.site > div').append(
    el(
      'div',
      { class: 'user' },
      el('span', { class: 'quiet small', id: 'who' }, who.name === who.role ? who.name : `${who.name}, ${who.role}`),
      el(
        'button',
        {
          class: 'small',
          id: 'sign-out',
          type: 'button',
          onclick: async () => {
            await api('/api/session', { method: 'DELETE' });
            location.assign('/sign-in');
          },
        },
        'Sign out',
      ),
    ),
  );
}

/** Makes an element: el('td', { class: 'num' }, 'text', child...). Text is never read as markup. */
export function el(name, attributes, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith('on')) node.addEventListener(key.slice(2), value);
    else node.setAttribute(key, value === true ? '' : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

export const byId = (id) => document.getElementById(id);
export function show(node, ...children) {
  node.replaceChildren(...children.flat());
}
export function text(id, value) {
  const node = byId(id);
  if (node && node.textContent !== String(value)) node.textContent = value;
}

/** A message at the top of the page: kind is '', good, warn or bad. An empty title takes it away. */
export function note(kind, title, detail) {
  let node = byId('note');
  if (!node) {
    node = el('div', { id: 'note', role: 'status' });
    byId('main').prepend(node);
  }
  node.className = `note ${kind}`;
  show(node, title ? [el('strong', null, title), detail ?? ''] : []);
}

export function table(head, rows, empty) {
  if (rows.length === 0) return el('p', { class: 'quiet small' }, empty);
  const cell = (name, value, i) => el(name, { class: head[i].num ? 'num' : null }, value ?? '–');
  return el(
    'table',
    null,
    el(
      'thead',
      null,
      el(
        'tr',
        null,
        head.map((h, i) => cell('th', h.text, i)),
      ),
    ),
    el(
      'tbody',
      null,
      rows.map((row) =>
        el(
          'tr',
          null,
          row.map((value, i) => cell('td', value, i)),
        ),
      ),
    ),
  );
}

export const state = (kind, words) => el('span', { class: `state ${kind}` }, words);
export const number = (value, digits = 0) =>
  value === null || value === undefined || Number.isNaN(value)
    ? '–'
    : value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
export const time = (value) => new Date(value).toLocaleTimeString('en-GB');
export const moment = (value) =>
  new Date(value).toLocaleString('en-GB', {
    day: 'numeric',
    month: 'short',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  });
export function bytes(value) {
  if (value === null || value === undefined) return '–';
  for (const [unit, size] of [
    ['GB', 1e9],
    ['MB', 1e6],
    ['kB', 1e3],
  ])
    if (value >= size) return `${number(value / size, value < 10 * size ? 1 : 0)} ${unit}`;
  return `${value} B`;
}
export const milliseconds = (value) =>
  value === null || value === undefined ? '–' : value >= 10000 ? `${number(value / 1000, 1)} s` : `${number(value)} ms`;
export const pick = (object, ...names) => {
  for (const name of names) if (object?.[name] !== undefined && object[name] !== null) return object[name];
  return null;
};
export const list = (answer, ...names) => (Array.isArray(answer) ? answer : (pick(answer, ...names, 'items') ?? []));
export const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

/** Calls work now and every so often while the page is seen; one call at a time. */
export function every(interval, work) {
  let busy = false;
  const turn = async () => {
    if (busy || document.hidden) return;
    busy = true;
    try {
      await work();
    } finally {
      busy = false;
    }
  };
  turn();
  document.addEventListener('visibilitychange', turn);
  return setInterval(turn, interval);
}

/**
 * Listens to the console's live data. The browser connects again by itself, unless a newer page of the same user took
 * the place of this one. onState gets live, lost or replaced.
 */
export function live(parts, handlers, onState) {
  const source = new EventSource(`/api/live?parts=${parts.join(',')}`);
  source.onopen = () => onState?.('live');
  source.onerror = () => {
    onState?.('lost');
    if (source.readyState === EventSource.CLOSED)
      session()
        .then(() => {
          known = null;
          return session();
        })
        .then((who) => {
          if (!who.name) toSignIn();
        })
        .catch(() => {});
  };
  source.addEventListener('replaced', () => {
    source.close();
    onState?.('replaced');
  });
  for (const part of parts) source.addEventListener(part, (event) => handlers[part]?.(JSON.parse(event.data)));
  return source;
}
