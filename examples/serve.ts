/** Serves expressions over HTTP, asks for those of a portrait, and stops: `node dist/examples/serve.js [PICTURE]`. */
import { readFile } from 'node:fs/promises';
import { serve } from 'poster-v2/serve';

const [picture = 'assets/astronaut.png'] = process.argv.slice(2);

const server = await serve({ port: 0, log: 'silent' });
await server.ready;
const answer = await fetch(`${server.url}/v1/recognize?top=1`, {
  method: 'POST',
  headers: { 'content-type': 'application/octet-stream' },
  body: await readFile(picture),
});
console.log(answer.status, await answer.text());
await server.close();
