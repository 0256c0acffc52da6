// A process that runs one command line of `poster` after the other, for test/support/cli.ts: what the program is made of is loaded once.
import { Writable } from 'node:stream';
import { run } from '../../src/cli/program.js';
import { main } from './cli.js';
import type { HostAnswer, HostRequest } from './shared-poster.js';

/** What is written to a stream from now on. @returns what gives it, and lets the stream be as it was */
function captured(stream: NodeJS.WriteStream): () => string {
  const chunks: Buffer[] = [];
  const into = new Writable({
    decodeStrings: true,
    write: (chunk: Buffer, _, done) => {
      chunks.push(chunk);
      done();
    },
  });
  const write = stream.write;
  stream.write = into.write.bind(into);
  return () => {
    stream.write = write;
    return Buffer.concat(chunks).toString();
  };
}

async function answer({ args, cwd, environment }: HostRequest): Promise<HostAnswer> {
  process.chdir(cwd);
  for (const name of Object.keys(process.env)) if (!(name in environment)) delete process.env[name];
  Object.assign(process.env, environment);
  process.argv = [process.execPath, main, ...args];
  process.exitCode = 0;
  const [stdout, stderr] = [captured(process.stdout), captured(process.stderr)];
  await run(args);
  return { code: Number(process.exitCode), stdout: stdout(), stderr: stderr() };
}

let last: Promise<unknown> = Promise.resolve();
process.on('message', (request: HostRequest) => {
  last = last.then(() => answer(request)).then((result) => process.send?.(result));
});
process.on('disconnect', () => process.exit());
