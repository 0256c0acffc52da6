import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
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
