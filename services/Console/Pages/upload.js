import { byId, bytes, el, enter, moment, note, number, session, show, text } from '/assets/common.js';

const form = byId('form'),
  fileInput = byId('file'),
  title = byId('title');
const start = byId('start'),
  pause = byId('pause'),
  abandon = byId('abandon');
let upload = null,
  running = false,
  speed = null;

/** The video whose place the file is to take; the library links here with it. */
const replaces = new URLSearchParams(location.search).get('replaces');
if (replaces) {
  title.required = false;
  title.closest('.field').hidden = true;
  note('', 'Another file for a video', 'What plays now plays until the new file is published.');
}

// A file may be chosen before it is known who is signed in: the listeners come first.
enter('publisher', 'operator').then(listUnfinished);

fileInput.addEventListener('change', async () => {
  const file = fileInput.files[0];
  if (!file) return;
  if (!title.value) title.value = file.name.replace(/\.[^.]+$/, '').replace(/[_-]+/g, ' ');
  note('', '');
  upload = null;
  await prepare(file);
});
form.addEventListener('submit', async (event) => {
  event.preventDefault();
  if (!fileInput.files[0]) return;
  note('', '');
  if (!upload) await prepare(fileInput.files[0]);
  begin();
});
pause.addEventListener('click', () => (running ? halt('Paused. Nothing is lost: what was sent is stored.') : begin()));
abandon.addEventListener('click', async () => {
  await upload?.abort();
  for (const earlier of await upload.findPreviousUploads()) localStorage.removeItem(earlier.urlStorageKey);
  location.reload();
});

async function prepare(file) {
  const { token } = await session();
  upload = new tus.Upload(file, {
    // The console passes it on to Upload on behalf of who is signed in; no key is in the page.
    endpoint: '/api/uploads',
    retryDelays: [0, 500, 1000, 2000, 4000, 8000, 15000],
    chunkSize: 8 * 1024 * 1024,
    headers: {},
    metadata: {
      filename: file.name,
      filetype: file.type || 'application/octet-stream',
      title: title.value,
      ...(replaces && { replaces }),
    },
    removeFingerprintOnSuccess: true,
    onBeforeRequest: (request) => request.setHeader('X-Antiforgery', token),
    onProgress: progress,
    onSuccess: done,
    onError: failed,
    onShouldRetry: (error) => {
      const status = error.originalResponse?.getStatus() ?? 0;
      return status === 0 || status === 409 || status === 423 || status === 429 || status >= 500;
    },
  });
  const earlier = (await upload.findPreviousUploads())[0];
  if (!earlier) {
    text('detail', `${file.name}, ${bytes(file.size)}. Ready to send.`);
    return;
  }
  upload.resumeFromPreviousUpload(earlier);
  abandon.hidden = false;
  start.textContent = 'Resume';
  note(
    'good',
    'This file was begun before',
    `It goes on from where it stopped (begun ${moment(earlier.creationTime)}).`,
  );
}

function begin() {
  upload.options.metadata.title = title.value;
  upload.start();
  running = true;
  speed = { at: performance.now(), sent: null, rate: null };
  pause.disabled = false;
  pause.textContent = 'Pause';
  start.disabled = true;
  text('detail', 'Connecting…');
}

function halt(words) {
  upload.abort();
  running = false;
  pause.textContent = 'Resume';
  text('detail', words);
}

function progress(sent, total) {
  const now = performance.now();
  if (speed.sent === null) Object.assign(speed, { sent, at: now });
  else if (now - speed.at > 500)
    Object.assign(speed, { rate: ((sent - speed.sent) / (now - speed.at)) * 1000, sent, at: now });
  const percent = total ? (sent / total) * 100 : 100;
  byId('bar').value = percent;
  text('percent', number(Math.floor(percent)));
  const left = speed.rate > 0 ? `, ${number((total - sent) / speed.rate)} s left` : '';
  text('detail', `${bytes(sent)} of ${bytes(total)}${speed.rate ? `, ${bytes(speed.rate)}/s${left}` : ''}`);
}

function done() {
  running = false;
  pause.disabled = true;
  start.disabled = false;
  start.textContent = 'Upload';
  abandon.hidden = true;
  byId('bar').value = 100;
  text('percent', '100');
  const id = replaces ?? upload.url.split('/').pop();
  text('detail', 'Every byte is stored. Encoding begins.');
  note('good', 'The upload is complete', '');
  show(byId('after'), el('p', null, el('a', { class: 'button', href: `/library#${id}` }, 'Follow it in the library')));
  window.__uploaded = id;
  listUnfinished();
}

async function failed(error) {
  running = false;
  pause.disabled = true;
  start.disabled = false;
  start.textContent = 'Try again';
  const answer = error.originalResponse;
  if (!answer) {
    note('bad', 'The console does not answer', 'Try again when it is back; the upload goes on where it stopped.');
    return;
  }
  let said = {};
  try {
    said = JSON.parse(answer.getBody());
  } catch {
    /* The body need not be problem details. */
  }
  note('bad', said.title ?? `The upload was refused (${answer.getStatus()})`, said.detail ?? '');
}

function listUnfinished() {
  const found = Object.keys(localStorage)
    .filter((name) => name.startsWith('tus::'))
    .map((name) => {
      try {
        return { name, ...JSON.parse(localStorage.getItem(name)) };
      } catch {
        return null;
      }
    })
    .filter(Boolean);
  byId('earlier').hidden = found.length === 0;
  show(
    byId('unfinished'),
    found.map((one) =>
      el(
        'tr',
        null,
        el('td', null, one.metadata?.filename ?? 'unknown'),
        el('td', { class: 'num' }, bytes(one.size)),
        el('td', null, moment(one.creationTime)),
        el('td', { class: 'quiet' }, 'choose the same file above to go on'),
      ),
    ),
  );
}
