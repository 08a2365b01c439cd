// An independent tus client (tus-js-client), driven by TusClientTests.
// Arguments: the endpoint, the API key, the file, a folder for remembered uploads, the number of bytes after which the connection
// is cut (0: never), the number of parts that are sent side by side (1: the file whole), the protocol, the most
// bytes of a request. Prints one JSON line.
import { createRequire } from 'node:module';
import fs from 'node:fs';
import path from 'node:path';

const [endpoint, key, file, memory, cutAt, parallel, protocol, chunkSize] = process.argv.slice(2);
const tus = createRequire(path.join(process.env.NODE_MODULES, 'x.js'))('tus-js-client');
const size = fs.statSync(file).size;
const offsets = [];
const locations = [];

const upload = new tus.Upload(fs.createReadStream(file), {
  endpoint,
  protocol,
  // The client measures the file itself where it cuts it into parts.
  ...(Number(parallel) > 1 ? { parallelUploads: Number(parallel) } : { uploadSize: size }),
  chunkSize: Number(chunkSize ?? 256 * 1024),
  retryDelays: [0, 200, 500, 1000, 2000, 4000],
  headers: { Authorization: `Bearer ${key}` },
  metadata: { filename: path.basename(file), title: 'From tus-js-client', filetype: 'video/mp4' },
  urlStorage: new tus.FileUrlStorage(path.join(memory, 'uploads.json')),
  fingerprint: async () => `file-${size}`,
  removeFingerprintOnSuccess: true,
  onAfterResponse: (request, response) => {
    if (response.getHeader('Location')) locations.push(response.getHeader('Location'));
    if (request.getMethod() === 'HEAD') offsets.push(Number(response.getHeader('Upload-Offset')));
  },
  onProgress: (sent) => {
    // The process goes away in the middle of a chunk, as a laptop does whose lid is shut.
    if (Number(cutAt) > 0 && sent > Number(cutAt)) {
      fs.writeSync(1, JSON.stringify({ cut: sent, url: upload.url }) + '\n');
      process.kill(process.pid, 'SIGKILL');
    }
  },
  onError: (error) => {
    console.log(JSON.stringify({ error: String(error), status: error.originalResponse?.getStatus() ?? null }));
    process.exit(1);
  },
  onSuccess: () => {
    console.log(JSON.stringify({ done: true, url: upload.url, resumedAt: offsets[0] ?? null, locations }));
  },
});

const previous = await upload.findPreviousUploads();
if (previous.length > 0) upload.resumeFromPreviousUpload(previous[0]);
upload.start();
