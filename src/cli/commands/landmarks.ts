import { basename, extname, join } from 'node:path';
import { Command } from 'commander';
import sharp from 'sharp';
import { ExitCode, messageOf, UserError } from '../../common/errors.js';
import { printable, writeFileAtomic } from '../../common/files.js';
import { checkDrawing, guardInputs, makeFolder } from '../../common/output-paths.js';
import { decodePicture } from '../../data/index.js';
import { type LandmarkDetector, type Landmarks, loadLandmarkDetector } from '../../recognize/index.js';
import { landmarksSvg } from '../../report/landmarks-svg.js';
import { positive } from '../checkpoint-options.js';
import { note, printResult } from '../context.js';

interface LandmarksOptions {
  readonly checkpoint: string;
  readonly aligned?: boolean;
  readonly draw?: string;
  readonly threads?: number;
  readonly json?: boolean;
}

export function landmarksCommand(): Command {
  return new Command('landmarks')
    .description("find the 68 landmarks of faces with the published network's landmark branch")
    .argument('<image...>', 'pictures (JPEG, PNG, WebP, GIF, TIFF, AVIF, BMP)')
    .requiredOption('--checkpoint <file>', 'mobilefacenet_model_best.pth.tar, or a published POSTER V2 checkpoint')
    .option('--aligned', 'the pictures already are face crops (needed)')
    .option('--draw <path>', 'draw the points: a .png, .jpg or .webp file, or a folder for several pictures')
    .option('--threads <count>', 'threads of the CPU (default: all cores)', positive)
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `
Points are pixels of the upright picture, in the order of iBUG 300-W: jaw 0-16, brows 17-26, nose 27-35, eyes 36-47,
mouth 48-67.

Example:
  poster landmarks face.jpg --aligned --checkpoint mobilefacenet_model_best.pth.tar --draw points.png`,
    )
    .action(async (images: readonly string[], options: LandmarksOptions) => {
      if (options.aligned !== true) {
        throw new UserError(
          'Landmarks are found on face crops only; crop each picture to its face with a little margin, and say so with --aligned.',
          ExitCode.usage,
        );
      }
      await checkDraw(images, options);
      const detector = await loadLandmarkDetector(
        options.checkpoint,
        options.threads === undefined ? {} : { threads: options.threads },
      );
      try {
        await run(detector, images, options);
      } finally {
        await detector.dispose();
      }
    });
}

interface Found extends Landmarks {
  readonly image: string;
  readonly drawn?: string;
}

async function run(detector: LandmarkDetector, images: readonly string[], options: LandmarksOptions): Promise<void> {
  const found: Found[] = [];
  const failed: { image: string; reason: string }[] = [];
  for (const [i, image] of images.entries()) {
    try {
      const landmarks = await detector.detect(image);
      const drawn = options.draw === undefined ? {} : { drawn: await draw(image, i, landmarks, options.draw) };
      found.push({ image, ...landmarks, ...drawn });
    } catch (error) {
      if (!(error instanceof UserError) || error.exitCode !== ExitCode.input) throw error;
      failed.push({ image, reason: messageOf(error) });
      note(`poster: ${messageOf(error)}`);
    }
  }
  if (options.json === true || found.length > 0) {
    const document = { checkpoint: options.checkpoint, input: detector.input, images: found, failed };
    printResult(options.json, document, () => found.map(text).join('\n\n'));
  }
  if (failed.length > 0) process.exitCode = ExitCode.input;
}

const isPicture = (path: string): boolean => /^\.(png|jpe?g|webp)$/i.test(extname(path));

/**
 * @throws UserError where `--draw` names neither a folder nor a kind of picture that is drawn, or where a file that is read
 * would be lost.
 */
async function checkDraw(images: readonly string[], { draw: to, checkpoint }: LandmarksOptions): Promise<void> {
  if (to === undefined) return;
  await checkDrawing(to, isPicture, '.png, .jpg or .webp');
  if (isPicture(to) && images.length > 1) {
    throw new UserError('--draw names one file for several pictures; name a folder.', ExitCode.usage);
  }
  const guard = await guardInputs([checkpoint, ...images]);
  for (const [i, image] of images.entries()) await guard(`--draw ${to}`, drawnPath(image, i, to));
}

const drawnPath = (image: string, index: number, to: string): string =>
  isPicture(to) ? to : join(to, `${index + 1}-${basename(image, extname(image))}.png`);

/** @returns path of the picture with its points */
async function draw(image: string, index: number, landmarks: Landmarks, to: string): Promise<string> {
  const { points, width, height } = landmarks;
  const path = drawnPath(image, index, to);
  if (!isPicture(to)) {
    await makeFolder(to);
  }
  const format = /^\.jpe?g$/i.test(extname(path)) ? 'jpeg' : /^\.webp$/i.test(extname(path)) ? 'webp' : 'png';
  const { data, ...size } = await decodePicture(image);
  const picture = sharp(data, { raw: size });
  const overlay = Buffer.from(landmarksSvg(points, width, height));
  await writeFileAtomic(
    path,
    await picture
      .composite([{ input: overlay }])
      .toFormat(format)
      .toBuffer(),
  );
  return path;
}

function text({ image, points, drawn }: Found): string {
  const rows = points.map(
    ({ x, y }, i) => `  ${String(i).padStart(2)} ${x.toFixed(1).padStart(8)} ${y.toFixed(1).padStart(8)}`,
  );
  return [printable(image, 4096), ...rows, ...(drawn === undefined ? [] : [`  drawn: ${printable(drawn, 4096)}`])].join(
    '\n',
  );
}
