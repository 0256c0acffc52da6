/** A thread that reads bodies: a message in and one out for each. */
import { parentPort } from 'node:worker_threads';
import { type SentError, sentError } from '../../common/sent-errors.js';
import { type About, type BodyJobName, type BroughtBy, bodyJobs } from './body-jobs.js';
import { RequestProblem } from './problem.js';

export type BodyRequest = {
  readonly [K in BodyJobName]: BodyRequestOf<K>;
}[BodyJobName];

export interface BodyRequestOf<K extends BodyJobName> {
  readonly id: number;
  readonly job: K;
  readonly body: Uint8Array;
  readonly about: About<K>;
}

export type BodyReply = { readonly id: number } & (
  | { readonly brought: BroughtBy<BodyJobName> }
  | { readonly problem: Pick<RequestProblem, 'problem' | 'message'> }
  | { readonly error: SentError }
);

/** Memory of bytes that nobody else uses, so that it can be given away. */
export function ownMemory({ buffer, byteLength }: Uint8Array): ArrayBuffer[] {
  // Small ones share a pool of Node's.
  return buffer instanceof ArrayBuffer && byteLength > 8192 && byteLength === buffer.byteLength ? [buffer] : [];
}

/** Does a job. @throws as `bodyJobs` do */
export async function doJob<K extends BodyJobName>({
  job,
  body,
  about,
}: Omit<BodyRequestOf<K>, 'id'>): Promise<BroughtBy<K>> {
  return bodyJobs[job](Buffer.from(body.buffer, body.byteOffset, body.length), about);
}

parentPort?.on('message', async (request: BodyRequest) => {
  const reply = await answer(request);
  const memory = 'brought' in reply ? bytesOf(reply.brought).flatMap(ownMemory) : [];
  parentPort?.postMessage(reply, [...new Set(memory)]);
});

/** What is large of what a body brings. */
const bytesOf = (brought: BroughtBy<BodyJobName>): readonly Uint8Array[] =>
  'pictures' in brought ? brought.pictures.map(({ bytes }) => bytes) : [];

async function answer(request: BodyRequest): Promise<BodyReply> {
  const { id } = request;
  try {
    return { id, brought: await doJob(request) };
  } catch (error) {
    if (!(error instanceof RequestProblem)) return { id, error: sentError(error) };
    return { id, problem: { problem: error.problem, message: error.message } };
  }
}
