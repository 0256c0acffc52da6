import { Readable } from 'node:stream';

/** What there was, where standard input ended while its beginning was looked at: behind its end nothing can be put back. */
let whole: Buffer | undefined;

/**
 * The first `bytes` of standard input, or all where there are fewer. They are still there for whoever reads it after, through
 * `stdinChunks` and `stdinStream`. A pipe gives as little at a time as was
 * written into it.
 */
export async function beginningOfStdin(bytes: number): Promise<Buffer> {
  const { stdin } = process;
  const chunks: Buffer[] = [];
  let size = 0;
  while (size < bytes && !stdin.destroyed && !stdin.readableEnded) {
    const chunk: unknown = stdin.read();
    if (Buffer.isBuffer(chunk)) {
      chunks.push(chunk);
      size += chunk.length;
    } else if (!stdin.readableEnded) await changeOfStdin();
  }
  const first = Buffer.concat(chunks);
  if (stdin.readableEnded || stdin.destroyed) whole = first;
  else stdin.unshift(first);
  return first;
}

function changeOfStdin(): Promise<void> {
  const { stdin } = process;
  return new Promise((resolve) => {
    const events = ['readable', 'end', 'close'] as const;
    const settle = (): void => {
      for (const event of events) stdin.off(event, settle);
      resolve();
    };
    for (const event of events) stdin.on(event, settle);
  });
}

/** Standard input from its beginning, as a stream. */
export const stdinStream = (): Readable => (whole === undefined ? process.stdin : Readable.from([whole]));

/** Standard input from its beginning. */
export async function* stdinChunks(): AsyncGenerator<Buffer, void, void> {
  if (whole !== undefined) yield whole;
  else for await (const chunk of process.stdin) yield Buffer.from(chunk);
}
