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
// Each edge is a pathway with variants of its own, of the same paths.
const byPath = (uris) => [...new Map(uris.map((uri) => [new URL(uri, hlsUrl).pathname, uri])).values()];
const all = (uris) => Promise.all(byPath(uris).map(media));
const variants = master.variants.filter((variant) => !variant.isIFrameOnly);
const keyFrames = master.variants.filter((variant) => variant.isIFrameOnly);

const dash = mpd.parse(await read(dashUrl), { manifestUri: dashUrl });
const groups = (kind) => Object.values(dash.mediaGroups[kind]).flatMap((group) => Object.values(group));
// The base URL of each edge makes representations of its own.
const seconds = (lists) =>
  [...new Map(lists.map((list) => [new URL(list.segments[0].resolvedUri).pathname, list])).values()].map((list) =>
    list.segments.reduce((sum, segment) => sum + segment.duration, 0),
  );

console.log(
  JSON.stringify({
    hls: {
      pictures: await all(variants.map((variant) => variant.uri)),
      keyFrames: await all(keyFrames.map((variant) => variant.uri)),
      sounds: await all(variants.flatMap((variant) => variant.audio.map((sound) => sound.uri))),
      texts: await all(variants.flatMap((variant) => variant.subtitles.map((text) => text.uri))),
    },
    dash: {
      seconds: dash.duration,
      pictures: seconds(dash.playlists),
      sounds: seconds(groups('AUDIO').flatMap((sound) => sound.playlists)),
      texts: groups('SUBTITLES').length,
    },
  }),
);
