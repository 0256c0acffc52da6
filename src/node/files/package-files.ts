import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { messageOf, UserError } from '../../common/errors.js';
import { programUrl } from './program-url.js';

/**
 * The path of a file of this package, such as `weights/poster-v2-nano.safetensors`; '' is its folder. The package is
 * looked for by its name, so that code in a bundle finds it where it is installed.
 * @throws UserError where it is not installed, as in a bundle that was carried elsewhere.
 */
export function packageFile(path: string): string {
  try {
    return join(dirname(createRequire(programUrl()).resolve('poster-v2/package.json')), path);
  } catch (error) {
    const [reason] = messageOf(error).split('\n', 1);
    throw new UserError(
      `The files of the package poster-v2 are not found (${reason}); install it beside the bundle, or leave it out of the bundle as an external package.`,
      undefined,
      { cause: error },
    );
  }
}

/**
 * The program of a worker thread or of a process. The bundle of the command has its own, in few files: it starts in half of the time.
 * @param path in the package
 */
export function threadProgram(path: string): string {
  const program = programUrl();
  const folder = dirname(program.startsWith('file:') ? fileURLToPath(program) : program);
  const bundled = join(folder, 'poster-threads', basename(path));
  return existsSync(bundled) ? bundled : packageFile(path);
}
