import { mkdir } from 'node:fs/promises';
import { dirname, extname, join, normalize, resolve } from 'node:path';
import { ExitCode, UserError } from '../common/errors.js';
import { explainFileError, writeFileAtomic } from '../common/files.js';
import type { CropTemplate } from '../common/preprocessing.js';
import { cropCorners } from '../detect/align.js';
import type { Recognition, RecognizedFace } from '../recognize/recognition.js';
import type { PictureFormat } from '../report/annotated-picture.js';
import type { AnnotatedFace } from '../report/annotation.js';

/** Whether a path names a file that pictures can be written to; otherwise it is a folder. */
export const isPictureFile = (path: string): boolean => /^\.(png|jpe?g|webp)$/i.test(extname(path));

const formatOf = (path: string): PictureFormat =>
  /^\.jpe?g$/i.test(extname(path)) ? 'jpeg' : /^\.webp$/i.test(extname(path)) ? 'webp' : 'png';

/** Paths below a folder for pictures from anywhere, each but once. */
export class OutputNames {
  readonly #used = new Set<string>();

  /** @param place of the picture, as in `PictureInput`: never leads out of the folder. */
  stem(place: string): string {
    const parts = normalize(place)
      .split(/[\\/]/)
      .filter((part) => part !== '' && part !== '.' && part !== '..' && !/^[a-z]:$/i.test(part));
    // A picture that was named by itself goes by its name alone.
    const path = parts.join('/') || 'picture';
    const plain = path.slice(0, path.length - extname(path).length);
    let name = plain;
    for (let i = 2; this.#used.has(name); i++) name = `${plain}-${i}`;
    this.#used.add(name);
    return name;
  }
}

/**
 * Draws what was recognised: into the file `to`, or below the folder `to` as `stem` with the picture's own kind of file.
 * @returns the path
 * @throws UserError where that is the picture itself, or cannot be written.
 */
export async function drawTo(
  to: string,
  stem: string,
  image: string,
  { picture, faces }: Recognition,
  template: CropTemplate,
): Promise<string | undefined> {
  if (picture === undefined) return undefined;
  const path = isPictureFile(to) ? to : join(to, stem + (isPictureFile(image) ? extname(image) : '.png'));
  if (resolve(path) === resolve(image)) {
    throw new UserError(`--draw ${to} would write over ${image} itself; name another file or folder.`, ExitCode.usage);
  }
  const { annotatedPicture } = await import('../report/annotated-picture.js');
  const drawn = faces.map((face) => annotated(face, template));
  await write(path, await annotatedPicture(picture, drawn, formatOf(path)));
  return path;
}

function annotated({ box, keypoints, scores }: RecognizedFace, template: CropTemplate): AnnotatedFace {
  if (keypoints === null) return { scores };
  return { place: { box, keypoints: Object.values(keypoints), crop: cropCorners(keypoints, template) }, scores };
}

/** Writes what the network saw of each face, as `stem.face-1.png` and so on. @returns their paths */
export async function saveCrops(folder: string, stem: string, { faces }: Recognition): Promise<string[]> {
  const { pngOf } = await import('../report/annotated-picture.js');
  const paths: string[] = [];
  for (const { crop } of faces) {
    if (crop === undefined) continue;
    const path = join(folder, `${stem}.face-${paths.length + 1}.png`);
    await write(path, await pngOf(crop));
    paths.push(path);
  }
  return paths;
}

async function write(path: string, bytes: Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true }).catch((error: unknown) => {
    throw explainFileError(error, 'write', dirname(path));
  });
  await writeFileAtomic(path, bytes);
}
