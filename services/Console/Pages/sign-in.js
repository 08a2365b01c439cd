import { api, byId, note, session } from '/assets/common.js';

/** Where to go afterwards: a page of this console and nothing else. */
function next() {
  try {
    const wanted = new URL(new URLSearchParams(location.search).get('next') ?? '/', location.origin);
    return wanted.origin === location.origin && wanted.pathname !== '/sign-in'
      ? wanted.pathname + wanted.search + wanted.hash
      : '/';
  } catch {
    return '/';
  }
}

session().then(
  (who) => {
    if (who.name) location.replace(next());
  },
  (error) => note('bad', error.title ?? 'The console does not answer', error.detail ?? ''),
);
byId('form').addEventListener('submit', async (event) => {
  event.preventDefault();
  const button = byId('sign-in'),
    key = byId('key');
  button.disabled = true;
  note('', '');
  try {
    await api('/api/session', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ key: key.value }),
    });
    location.replace(next());
  } catch (error) {
    note('bad', error.title ?? 'Signing in failed', error.detail ?? error.message);
    button.disabled = false;
    key.select();
  }
});
