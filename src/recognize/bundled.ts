import { stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { ExitCode, UserError } from '../common/errors.js';

/** Weights that come with the package: `poster-v2-nano`, trained on FER+ (see docs/results.md). */
export const bundledCheckpoint = fileURLToPath(new URL('../../../weights/poster-v2-nano.safetensors', import.meta.url));

/** @throws UserError where the package was built without weights. */
export async function requireBundledCheckpoint(): Promise<string> {
  const there = await stat(bundledCheckpoint).catch(() => undefined);
  if (there?.isFile()) return bundledCheckpoint;
  throw new UserError(
    `The bundled weights ${bundledCheckpoint} are missing; name a checkpoint with --checkpoint or install the package again.`,
    ExitCode.input,
  );
}
