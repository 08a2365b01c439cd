// Uppy with its tus plugin, unmodified, driven by UppyTests: many files side by side.
// Arguments: the endpoint, the API key, the folder with the files, the number of files at a time, the number of bytes after which
// everything is paused once and goes on (0: never). Prints one JSON line.
import { createRequire } from 'node:module';
import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const [endpoint, key, folder, limit, pauseAt] = process.argv.slice(2);
const resolve = createRequire(path.join(process.env.NODE_MODULES, 'x.js')).resolve;
const load = async (name) => (await import(pathToFileURL(resolve(name)))).default;
const [Uppy, Tus] = [await load('@uppy/core'), await load('@uppy/tus')];

const quiet = { debug() {}, warn() {}, error() {} };
const uppy = new Uppy({ logger: quiet }).use(Tus, {
  endpoint,
  limit: Number(limit),
  chunkSize: 256 * 1024,
  retryDelays: [0, 200, 500, 1000, 2000, 4000],
  headers: { Authorization: `Bearer ${key}` },
  allowedMetaFields: ['filename', 'filetype', 'title'],
});
for (const name of fs.readdirSync(folder)) {
  // A Buffer is what the plugin's tus client reads in Node; Uppy asks for its size as of a browser's file.
  const data = fs.readFileSync(path.join(folder, name));
  uppy.addFile({
    name,
    type: 'video/mp4',
    meta: { filename: name, title: name },
    data: Object.assign(data, { size: data.length }),
  });
}

let paused = false;
uppy.on('upload-progress', () => {
  const sent = uppy.getFiles().reduce((sum, file) => sum + (file.progress.bytesUploaded || 0), 0);
  if (paused || Number(pauseAt) === 0 || sent < Number(pauseAt)) return;
  paused = true;
  uppy.pauseAll();
  setTimeout(() => uppy.resumeAll(), 100);
});
const { successful, failed } = await uppy.upload();
console.log(
  JSON.stringify({
    paused,
    done: successful.map((file) => ({ name: file.name, url: file.uploadURL ?? file.response.uploadURL })),
    failed: failed.map((file) => String(file.error)),
  }),
);
process.exit(0);
