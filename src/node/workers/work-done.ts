import { channel } from 'node:diagnostics_channel';
import type { MessagePort } from 'node:worker_threads';

/** Work that a thread which recognises has done. */
export interface WorkDone {
  readonly kind: 'decode' | 'detect' | 'network';
  /** Of `network` the faces of one run, else 1 picture. */
  readonly count: number;
  readonly seconds: number;
}

/** Tells what all threads of the process that recognise have done, for those who measure. Who subscribes before a thread starts is told of it. */
export const workChannel = channel('poster-v2:work');

/** In the thread: does work, and tells what it took. Without a port nobody listens. */
export async function told<T>(
  port: MessagePort | undefined,
  kind: WorkDone['kind'],
  count: number,
  work: () => Promise<T>,
): Promise<T> {
  if (port === undefined) return work();
  const begun = performance.now();
  const result = await work();
  const done: WorkDone = { kind, count, seconds: (performance.now() - begun) / 1000 };
  port.postMessage(done);
  return result;
}
