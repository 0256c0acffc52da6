import { basename, extname, join } from 'node:path';
import { Command, Option } from 'commander';
import { defined } from '../../common/defined.js';
import { UserError } from '../../common/errors.js';
import { itemAt } from '../../common/item-at.js';
import { percent } from '../../common/percent.js';
import { printable } from '../../common/printable.js';
import { type Box, type FaceDetector, loadFaceDetector } from '../../detect/index.js';
import {
  classNamed,
  type Explainer,
  type Explanation,
  explain,
  explainFaces,
  explanationDocument,
  explanationTensors,
  loadExplainer,
} from '../../explain/index.js';
import { type LowContrast, type Picture, withContrast } from '../../image/index.js';
import { writeSafetensors } from '../../node/checkpoints/index.js';
import { decodePicture } from '../../node/decode/index.js';
import { explanationPanel, heatPanel } from '../../node/draw/index.js';
import { writeFileAtomic } from '../../node/files/files.js';
import { guardInputs, type InputGuard, makeFolder } from '../../node/files/output-paths.js';
import { bundledCheckpoint } from '../../node/host/bundled-weights.js';
import { fontNote } from '../../node/report/index.js';
import {
  type CheckpointOptions,
  lowContrastOption,
  openAs,
  positive,
  preferOption,
  rawOption,
  withCheckpointOptions,
} from '../checkpoint-options.js';
import { note, printResult } from '../context.js';
import { ExitCode } from '../exit-code.js';
import { stopOnSignals } from '../interrupt.js';
import { countBar } from '../progress.js';
import { sentenceOf } from '../settings.js';

interface ExplainOptions extends CheckpointOptions {
  readonly aligned?: boolean;
  readonly maxFaces?: number;
  readonly lowContrast: LowContrast;
  readonly out: string;
  readonly class?: string;
  readonly rollout?: boolean;
  readonly saveMaps?: boolean;
  readonly json?: boolean;
}

export function explainCommand(): Command {
  const command = new Command('explain')
    .description('draw what the network attends to in pictures of faces, a panel of maps for each')
    .argument('<image...>', 'pictures (JPEG, PNG, WebP, GIF, TIFF, AVIF, BMP)')
    .addOption(
      new Option('--checkpoint <path>', 'weights: a file, or a folder that holds them').default(
        bundledCheckpoint(),
        'bundled poster-v2-nano',
      ),
    )
    .option('--aligned', 'the pictures already are face crops, brow to chin: do not detect faces')
    .addOption(
      new Option('--max-faces <count>', 'at most this many faces of a picture, those with the highest scores')
        .argParser(positive)
        .conflicts('aligned'),
    )
    .addOption(lowContrastOption('stretch'))
    .addOption(rawOption())
    .addOption(preferOption())
    .option('--out <dir>', 'folder for the pictures, NAME.face-1.explain.png; with --aligned NAME.explain.png', '.')
    .option('--class <name>', 'class whose relevance is shown (default: the most probable one)')
    .option('--rollout', "draw the class token's attention through all blocks, not of the last one")
    .option('--save-maps', 'also write all maps, of each head too, as .safetensors beside the pictures');
  return withCheckpointOptions(command)
    .option('--json', 'print one JSON document, with the maps')
    .addHelpText('after', '\nExample:\n  poster explain photo.jpg --class sadness --out explanations')
    .action(async (images: readonly string[], options: ExplainOptions) => {
      const explainer = await openAs(loadExplainer, options);
      let detector: FaceDetector | undefined;
      try {
        if (options.aligned !== true) detector = await loadFaceDetector(defined({ threads: options.threads }));
        await run(explainer, detector, images, options);
      } finally {
        await detector?.dispose();
        await explainer.dispose();
      }
    });
}

interface Done {
  readonly image: string;
  /** From 1, the surest first, and its place; not of face crops. */
  readonly face?: number;
  readonly box?: Box;
  readonly lowContrast?: boolean;
  readonly panel: string;
  readonly maps?: string;
  readonly explanation: Explanation;
}

async function run(
  explainer: Explainer,
  detector: FaceDetector | undefined,
  images: readonly string[],
  options: ExplainOptions,
): Promise<void> {
  // A wrong class is no matter of a single picture.
  if (options.class !== undefined) classNamed(explainer.description.labels.labels, options.class);
  await makeFolder(options.out);
  for (const missing of await fontNote()) note(missing);
  const names = outputNames(images);
  const guard = await guardInputs([options.checkpoint, ...images]);
  const stems = names.map((name) => join(options.out, name));
  for (const stem of stems) await checkFiles(detector === undefined ? stem : faceStem(stem, 1), options, guard);
  const done: Done[] = [];
  const failed: { readonly image: string; readonly reason: string }[] = [];
  const progress = countBar('pictures');
  const stop = stopOnSignals('Finishing this picture, then stopping; once more to quit at once.');
  let looked = 0;
  try {
    for (const [i, image] of images.entries()) {
      if (stop.signal.aborted) break;
      try {
        const result = await explainOne(explainer, detector, image, options);
        if (result.length === 0) note(`${image}: no face found.`);
        for (const one of result) done.push(await write(itemAt(stems, i), one, options, guard));
      } catch (error) {
        if (!(error instanceof UserError) || error.kind !== 'input') throw error;
        failed.push({ image, reason: sentenceOf(error) });
        note(`poster: ${sentenceOf(error)}`);
      }
      progress.update(++looked, images.length);
    }
  } finally {
    progress.stop();
    stop.release();
    // Also after a full disk: what was done stays.
    if (options.json === true || done.length > 0) {
      printResult(options.json, document(explainer, options.checkpoint, done, failed), () => text(done));
    }
  }
  if (failed.length > 0) process.exitCode = ExitCode.input;
  if (looked < images.length) {
    note(`Stopped after ${looked} of ${images.length} pictures.`);
    process.exitCode = ExitCode.interrupted;
  }
}

const panelPath = (stem: string): string => `${stem}.explain.png`;
const mapsPath = (stem: string): string => `${stem}.explain.safetensors`;

const faceStem = (stem: string, face: number): string => `${stem}.face-${face}`;

/** An explanation before it is written, with the picture that its maps are drawn over. */
interface Explained extends Omit<Done, 'panel' | 'maps'> {
  readonly shown: Picture;
}

/** One explanation for a face crop, one for each face of a photo. @throws UserError where the picture cannot be read. */
async function explainOne(
  explainer: Explainer,
  detector: FaceDetector | undefined,
  image: string,
  { class: target, maxFaces, lowContrast }: ExplainOptions,
): Promise<Explained[]> {
  if (detector === undefined) {
    const explanation = await explain(explainer, image, target, lowContrast);
    return [{ image, explanation, shown: withContrast(await decodePicture(image), lowContrast) }];
  }
  const faces = await explainFaces(explainer, detector, image, {
    lowContrast,
    ...defined({ target }),
    ...(maxFaces === undefined ? {} : { detect: { maxFaces } }),
  });
  return faces.map((one, i) => ({ image, face: i + 1, ...one }));
}

/** @throws UserError where a file that is read would be lost. */
async function checkFiles(stem: string, { saveMaps }: ExplainOptions, guard: InputGuard): Promise<void> {
  await guard('--out', panelPath(stem));
  if (saveMaps === true) await guard('--save-maps', mapsPath(stem));
}

/**
 * Writes a panel, and maps where they are wanted.
 * @param pictureStem path of the picture's files without ending
 */
async function write(
  pictureStem: string,
  { shown, ...one }: Explained,
  options: ExplainOptions,
  guard: InputGuard,
): Promise<Done> {
  const { image, face, explanation } = one;
  const stem = face === undefined ? pictureStem : faceStem(pictureStem, face);
  await checkFiles(stem, options, guard);
  const title = face === undefined ? basename(image) : `${basename(image)}, face ${face}`;
  const drawn = explanationPanel(title, explanation, options.rollout === true ? 'rollout' : 'attention');
  const panel = panelPath(stem);
  await writeFileAtomic(panel, await heatPanel(shown, drawn));
  if (options.saveMaps !== true) return { ...one, panel };
  const maps = mapsPath(stem);
  const about = new Map([
    ['image', image],
    ['target', explanation.target],
  ]);
  await writeSafetensors(maps, explanationTensors(explanation), about);
  return { ...one, panel, maps };
}

/** Names without extension; pictures of one name in different folders get numbers. */
function outputNames(images: readonly string[]): string[] {
  const taken = new Set<string>();
  return images.map((image) => {
    const stem = basename(image, extname(image));
    let name = stem;
    for (let i = 2; taken.has(name.toLowerCase()); i++) name = `${stem}-${i}`;
    taken.add(name.toLowerCase());
    return name;
  });
}

function document({ description }: Explainer, checkpoint: string, done: readonly Done[], failed: object): object {
  return {
    checkpoint,
    model: description.model.name,
    labels: description.labels,
    images: done.map(({ explanation, ...files }) => ({ ...files, ...explanationDocument(explanation) })),
    failed,
  };
}

function text(done: readonly Done[]): string {
  return done
    .map(({ image, face, panel, maps, explanation: { scores } }) => {
      const [first] = scores;
      const files = [panel, ...(maps === undefined ? [] : [maps])].map((file) => printable(file, 4096)).join(', ');
      const name = `${printable(image, 4096)}${face === undefined ? '' : `, face ${face}`}`;
      return `${name}: ${first?.label ?? ''} ${percent(first?.probability ?? 0)}%, ${files}`;
    })
    .join('\n');
}
