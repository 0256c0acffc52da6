import { dirname } from 'node:path';
import { Command, Option } from 'commander';
import { defined } from '../../common/defined.js';
import { itemAt } from '../../common/item-at.js';
import { printable } from '../../common/printable.js';
import { type DetectorOptions, type FaceDetector, loadFaceDetector } from '../../detect/index.js';
import type { ImageSource } from '../../image/image-source.js';
import { pictureWithLandmarks } from '../../node/draw/annotated-picture.js';
import { writeFileAtomic } from '../../node/files/files.js';
import { makeFolder } from '../../node/files/output-paths.js';
import {
  detectLandmarks,
  type FaceLandmarks,
  type LandmarkDetector,
  landmarksOfCrop,
  loadLandmarkDetector,
  type PictureLandmarks,
} from '../../recognize/index.js';
import { positive } from '../checkpoint-options.js';
import { printResult } from '../context.js';
import { eachPicture } from '../each-picture.js';
import { findPictures, folderWalk, type PictureInputs, pictureArguments, recursiveOption } from '../picture-inputs.js';
import { drawnPath, formatOf, planFiles } from '../prediction-files.js';

interface LandmarksOptions {
  readonly checkpoint: string;
  readonly aligned?: boolean;
  readonly recursive?: boolean;
  readonly maxFaces?: number;
  readonly draw?: string;
  readonly threads?: number;
  readonly json?: boolean;
}

export function landmarksCommand(): Command {
  return new Command('landmarks')
    .description("find the 68 landmarks of each face in pictures with the published network's landmark branch")
    .argument('<image...>', pictureArguments)
    .addOption(recursiveOption())
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
    .action(async (names: readonly string[], options: LandmarksOptions) => {
      const pictures = await findPictures(names, folderWalk(options.recursive === true));
      const { stems } = await planFiles(pictures.inputs, options);
      const onThreads: Pick<DetectorOptions, 'threads'> = defined({ threads: options.threads });
      const landmarks = await loadLandmarkDetector(options.checkpoint, onThreads);
      let detector: FaceDetector | undefined;
      try {
        if (options.aligned !== true) detector = await loadFaceDetector(onThreads);
        await run(landmarks, detector, pictures, stems, options);
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
  pictures: PictureInputs,
  stems: readonly string[],
  options: LandmarksOptions,
): Promise<void> {
  const found: Found[] = [];
  await eachPicture(pictures, {
    transparency: detector === undefined ? 'drop' : 'white',
    use: async (source, { name: image }, i, say) => {
      const located = await locate(landmarks, detector, source, options);
      const { picture, faces } = located;
      // Text says it in its place.
      if (faces.length === 0 && options.json === true) say(`${image}: no face found.`);
      const drawn =
        options.draw === undefined
          ? {}
          : { drawn: await draw(drawnPath(options.draw, itemAt(stems, i), image), located) };
      found.push({ image, width: picture.width, height: picture.height, faces, ...drawn });
    },
    print: (failed) => {
      if (options.json !== true && found.length === 0) return;
      const document = { checkpoint: options.checkpoint, input: landmarks.input, images: found, failed };
      printResult(options.json, document, () => found.map(text).join('\n\n'));
    },
  });
}

/** @throws UserError where the picture cannot be read. */
function locate(
  landmarks: LandmarkDetector,
  detector: FaceDetector | undefined,
  image: ImageSource,
  { maxFaces }: LandmarksOptions,
): Promise<PictureLandmarks> {
  if (detector === undefined) return landmarksOfCrop(landmarks, image);
  return detectLandmarks(landmarks, detector, image, defined({ maxFaces }));
}

/** Draws the points of the faces of a picture. @returns the path */
async function draw(path: string, { picture, faces }: PictureLandmarks): Promise<string> {
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
