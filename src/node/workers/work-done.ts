import { channel } from 'node:diagnostics_channel';

/** Work that a thread or process which recognises has done. */
export interface WorkDone {
  readonly kind: 'decode' | 'detect' | 'network';
  /** Of `network` the faces of one run, else 1 picture. */
  readonly count: number;
  readonly seconds: number;
}

/** Is told what was done. */
export type Tell = (done: WorkDone) => void;

/** Tells what all that this process has started to recognise has done, for those who measure. Who subscribes before it starts is told of it. */
export const workChannel = channel('poster-v2:work');

/** Does work, and tells what it took. */
export async function timed<T>(
  tell: Tell | undefined,
  kind: WorkDone['kind'],
  count: number,
  work: () => Promise<T>,
): Promise<T> {
  if (tell === undefined) return work();
  const begun = performance.now();
  const result = await work();
  tell({ kind, count, seconds: (performance.now() - begun) / 1000 });
  return result;
}
