import { defined } from '../common/defined.js';
import { UserError } from '../common/errors.js';
import type { FileSource } from '../common/file-source.js';
import type { RecognizerOptions } from '../recognize/index.js';
import type { ThreadOptions } from './messages.js';

/**
 * What of a recognizer's options goes to its thread.
 * @param sent a file as the host sends it
 * @throws UserError (kind `usage`) for what cannot go there
 */
export function threadOptions(
  {
    decode,
    detect: _,
    worker: __,
    onProgress: ___,
    signal: ____,
    checkpoint,
    detectorWeights,
    ...rest
  }: RecognizerOptions,
  sent: (source: FileSource) => FileSource,
): ThreadOptions {
  if (decode !== undefined) {
    throw new UserError(
      'A worker decodes pictures itself; load the recognizer without a decoder of yours, or without a worker.',
      'usage',
    );
  }
  return {
    ...rest,
    ...defined({
      checkpoint: checkpoint === undefined ? undefined : sent(checkpoint),
      detectorWeights: detectorWeights === undefined ? undefined : sent(detectorWeights),
    }),
  };
}
