import { stat } from 'node:fs/promises';
import { UserError } from '../../common/errors.js';
import { packageFile } from '../files/package-files.js';

/**
 * The path of the weights that come with the package: `poster-v2-nano`, trained on FER+ (see docs/results.md).
 * @throws UserError in a bundle that does not find the package.
 */
export const bundledCheckpoint = (): string => packageFile('weights/poster-v2-nano.safetensors');

/** @throws UserError where the package was built without weights. */
export async function requireBundledCheckpoint(): Promise<string> {
  const path = bundledCheckpoint();
  const there = await stat(path).catch(() => undefined);
  if (there?.isFile()) return path;
  throw new UserError(
    `The bundled weights ${path} are missing; name a checkpoint or install the package again.`,
    'input',
    { settings: ['checkpoint'] },
  );
}
