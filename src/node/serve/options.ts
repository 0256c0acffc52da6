import type * as z from 'zod';
import { defined } from '../../common/defined.js';
import { describeZodError } from '../../common/json.js';
import type { DetectOptions } from '../../detect/index.js';
import type { detectOptions, RecognizeRequestOptions } from '../../service/request-options.js';
import { RequestProblem } from './problem.js';

/** What clients may ask of the detector, within the server's limit. */
export function detectOf(
  { maxFaces, minScore, minSize, scales, turned }: Pick<RecognizeRequestOptions, keyof typeof detectOptions>,
  limit: number,
): Omit<DetectOptions, 'signal'> {
  return {
    maxFaces: Math.min(maxFaces ?? limit, limit),
    ...defined({ minScore, minSize, scales }),
    ...(turned === undefined || turned === 'auto' ? {} : { turned: turned === 'always' ? turned : false }),
  };
}

/**
 * Checks what a client gave.
 * @param what it is called, such as 'The options'
 * @throws RequestProblem that names the first place that does not fit
 */
export function checked<T extends z.ZodType>(schema: T, value: unknown, what = 'The options'): z.output<T> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new RequestProblem('invalid-options', `${what} cannot be used: ${describeZodError(parsed.error)}.`);
}
