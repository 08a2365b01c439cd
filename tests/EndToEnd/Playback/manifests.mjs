// Reads what players read, with parsers that are not the platform's, driven by CorpusTests: the HLS playlists with hls-parser
// in strict mode, the MPD with mpd-parser. Arguments: the addresses of the master playlist and of the MPD. Prints one JSON line.
import { createRequire } from 'node:module';
import path from 'node:path';

const [hlsUrl, dashUrl] = process.argv.slice(2);
const require = createRequire(path.join(process.env.NODE_MODULES, 'x.js'));
const hls = require('hls-parser');
const mpd = require('mpd-parser');

async function read(url) {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}: ${await answer.text()}`);
  return answer.text();
}

async function media(uri) {
  const playlist = hls.parse(await read(new URL(uri, hlsUrl)));
  if (playlist.isMasterPlaylist) throw new Error(`${uri} is a master playlist`);
  return {
    ended: playlist.endlist,
    target: playlist.targetDuration,
    seconds: playlist.segments.map((segment) => segment.duration),
  };
}

hls.setOptions({ strictMode: true });
const master = hls.parse(await read(hlsUrl));
if (!master.isMasterPlaylist) throw new Error('The HLS address is no master playlist.');
const sounds = new Set(master.variants.flatMap((variant) => variant.audio.map((sound) => sound.uri)));
const texts = new Set(master.variants.flatMap((variant) => variant.subtitles.map((text) => text.uri)));
const all = (uris) => Promise.all([...uris].map(media));

const dash = mpd.parse(await read(dashUrl), { manifestUri: dashUrl });
const groups = (kind) => Object.values(dash.mediaGroups[kind]).flatMap((group) => Object.values(group));
const seconds = (list) => list.segments.reduce((sum, segment) => sum + segment.duration, 0);

console.log(
  JSON.stringify({
    hls: {
      codecs: master.variants.map((variant) => variant.codecs),
      pictures: await all(new Set(master.variants.map((variant) => variant.uri))),
      sounds: await all(sounds),
      texts: await all(texts),
    },
    dash: {
      seconds: dash.duration,
      ended: dash.endList,
      codecs: dash.playlists.map((playlist) => playlist.attributes.CODECS),
      pictures: dash.playlists.map(seconds),
      sounds: groups('AUDIO').flatMap((sound) => sound.playlists.map(seconds)),
      texts: groups('SUBTITLES').length,
    },
  }),
);
