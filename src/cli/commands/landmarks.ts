import { basename, dirname, extname, join } from 'node:path';
import { Command, Option } from 'commander';
import { defined } from '../../common/defined.js';
import { UserError } from '../../common/errors.js';
import { printable } from '../../common/printable.js';
import { type DetectorOptions, type FaceDetector, loadFaceDetector } from '../../detect/index.js';
import { pictureWithLandmarks } from '../../node/draw/annotated-picture.js';
import { writeFileAtomic } from '../../node/files/files.js';
import { checkFolderFor, guardInputs, makeFolder } from '../../node/files/output-paths.js';
import {
  detectLandmarks,
  type FaceLandmarks,
  type LandmarkDetector,
  landmarksOfCrop,
  loadLandmarkDetector,
  type PictureLandmarks,
} from '../../recognize/index.js';
import { positive } from '../checkpoint-options.js';
import { note, printResult } from '../context.js';
import { checkDrawing } from '../drawing-path.js';
import { ExitCode } from '../exit-code.js';
import { stopOnSignals } from '../interrupt.js';
import { formatOf, isPictureFile } from '../prediction-files.js';
import { countBar } from '../progress.js';
import { sentenceOf } from '../settings.js';

interface LandmarksOptions {
  readonly checkpoint: string;
  readonly aligned?: boolean;
  readonly maxFaces?: number;
  readonly draw?: string;
  readonly threads?: number;
  readonly json?: boolean;
}

export function landmarksCommand(): Command {
  return new Command('landmarks')
    .description("find the 68 landmarks of each face in pictures with the published network's landmark branch")
    .argument('<image...>', 'pictures (JPEG, PNG, WebP, GIF, TIFF, AVIF, BMP)')
    .requiredOption('--checkpoint <file>', 'mobilefacenet_model_best.pth.tar, or a published POSTER V2 checkpoint')
    .option('--aligned', 'the pictures already are face crops: do not detect faces')
    .addOption(
      new Option('--max-faces <count>', 'at most this many faces of a picture, those with the highest scores')
        .argParser(positive)
        .conflicts('aligned'),
    )
    .option('--draw <path>', 'draw the points: a .png, .jpg or .webp file, or a folder for several pictures')
    .option('--threads <count>', 'threads of the CPU (default: all cores)', positive)
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `
Points are pixels of the upright picture, in the order of iBUG 300-W: jaw 0-16, brows 17-26, nose 27-35, eyes 36-47,
mouth 48-67.

Example:
  poster landmarks photo.jpg --checkpoint mobilefacenet_model_best.pth.tar --draw points.png`,
    )
    .action(async (images: readonly string[], options: LandmarksOptions) => {
      await checkDraw(images, options);
      const onThreads: Pick<DetectorOptions, 'threads'> = defined({ threads: options.threads });
      const landmarks = await loadLandmarkDetector(options.checkpoint, onThreads);
      let detector: FaceDetector | undefined;
      try {
        if (options.aligned !== true) detector = await loadFaceDetector(onThreads);
        await run(landmarks, detector, images, options);
      } finally {
        await detector?.dispose();
        await landmarks.dispose();
      }
    });
}

/** A picture with the landmarks of its faces: the surest first. */
interface Found {
  readonly image: string;
  /** Of the upright picture, in pixels. */
  readonly width: number;
  readonly height: number;
  readonly faces: readonly FaceLandmarks[];
  readonly drawn?: string;
}

async function run(
  landmarks: LandmarkDetector,
  detector: FaceDetector | undefined,
  images: readonly string[],
  options: LandmarksOptions,
): Promise<void> {
  const found: Found[] = [];
  const failed: { readonly image: string; readonly reason: string }[] = [];
  const progress = countBar('pictures');
  const stop = stopOnSignals('Finishing this picture, then stopping; once more to quit at once.');
  let done = 0;
  try {
    for (const [i, image] of images.entries()) {
      if (stop.signal.aborted) break;
      try {
        const located = await locate(landmarks, detector, image, options);
        const { picture, faces } = located;
        // Text says it in its place.
        if (faces.length === 0 && options.json === true) note(`${image}: no face found.`);
        const drawn = options.draw === undefined ? {} : { drawn: await draw(image, i, located, options.draw) };
        found.push({ image, width: picture.width, height: picture.height, faces, ...drawn });
      } catch (error) {
        if (!(error instanceof UserError) || error.kind !== 'input') throw error;
        failed.push({ image, reason: sentenceOf(error) });
        note(`poster: ${sentenceOf(error)}`);
      }
      progress.update(++done, images.length);
    }
  } finally {
    progress.stop();
    stop.release();
    // Also after a full disk: what was done stays.
    if (options.json === true || found.length > 0) {
      const document = { checkpoint: options.checkpoint, input: landmarks.input, images: found, failed };
      printResult(options.json, document, () => found.map(text).join('\n\n'));
    }
  }
  if (failed.length > 0) process.exitCode = ExitCode.input;
  if (done < images.length) {
    note(`Stopped after ${done} of ${images.length} pictures.`);
    process.exitCode = ExitCode.interrupted;
  }
}

/** @throws UserError where the picture cannot be read. */
function locate(
  landmarks: LandmarkDetector,
  detector: FaceDetector | undefined,
  image: string,
  { maxFaces }: LandmarksOptions,
): Promise<PictureLandmarks> {
  if (detector === undefined) return landmarksOfCrop(landmarks, image);
  return detectLandmarks(landmarks, detector, image, defined({ maxFaces }));
}

/**
 * @throws UserError where `--draw` names neither a folder nor a kind of picture that is drawn, what cannot be written, or
 * where a file that is read would be lost.
 */
async function checkDraw(images: readonly string[], { draw: to, checkpoint }: LandmarksOptions): Promise<void> {
  if (to === undefined) return;
  await checkDrawing(to, isPictureFile, '.png, .jpg or .webp');
  if (isPictureFile(to) && images.length > 1) {
    throw new UserError('--draw names one file for several pictures; name a folder.', 'usage');
  }
  await checkFolderFor(isPictureFile(to) ? dirname(to) : to);
  const guard = await guardInputs([checkpoint, ...images]);
  for (const [i, image] of images.entries()) await guard(`--draw ${to}`, drawnPath(image, i, to));
}

const drawnPath = (image: string, index: number, to: string): string =>
  isPictureFile(to) ? to : join(to, `${index + 1}-${basename(image, extname(image))}.png`);

/** @returns path of the picture with the points of its faces */
async function draw(image: string, index: number, { picture, faces }: PictureLandmarks, to: string): Promise<string> {
  const path = drawnPath(image, index, to);
  await makeFolder(dirname(path));
  const points = faces.map((face) => face.points);
  await writeFileAtomic(path, await pictureWithLandmarks(picture, points, formatOf(path)));
  return path;
}

function text({ image, faces, drawn }: Found): string {
  const name = printable(image, 4096);
  const blocks = faces.map(({ detectionScore, points }, i) => {
    const title = detectionScore === null ? name : `${name}, face ${i + 1}`;
    const rows = points.map(
      ({ x, y }, k) => `  ${String(k).padStart(2)} ${x.toFixed(1).padStart(8)} ${y.toFixed(1).padStart(8)}`,
    );
    return [title, ...rows].join('\n');
  });
  const all = blocks.length === 0 ? `${name}: no face found` : blocks.join('\n\n');
  return drawn === undefined ? all : `${all}\n  drawn: ${printable(drawn, 4096)}`;
}
