/** What there was, where standard input ended while its beginning was looked at: behind its end nothing can be put back. */
let whole: Buffer | undefined;

/**
 * The first `bytes` of standard input, or all where there are fewer. They are still there for whoever reads it after, through
 * `stdinChunks`, or where there are as many as were wanted through `process.stdin`. A pipe gives as little at a time as was
 * written into it.
 */
export async function beginningOfStdin(bytes: number): Promise<Buffer> {
  const { stdin } = process;
  let first = Buffer.alloc(0);
  while (first.length < bytes && !stdin.destroyed && !stdin.readableEnded) {
    const chunk: unknown = stdin.read();
    if (Buffer.isBuffer(chunk)) first = Buffer.concat([first, chunk]);
    else if (!stdin.readableEnded) await changeOfStdin();
  }
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

/** Standard input from its beginning. */
export async function* stdinChunks(): AsyncGenerator<Buffer, void, void> {
  if (whole !== undefined) yield whole;
  else for await (const chunk of process.stdin) yield Buffer.from(chunk);
}
