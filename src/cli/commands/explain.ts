import { basename, dirname, join } from 'node:path';
import { Command, Option } from 'commander';
import { defined } from '../../common/defined.js';
import { itemAt } from '../../common/item-at.js';
import { printable } from '../../common/printable.js';
import { probabilityText } from '../../common/probability-text.js';
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
import type { ImageSource } from '../../image/image-source.js';
import { type LowContrast, type Picture, withContrast } from '../../image/index.js';
import { writeSafetensors } from '../../node/checkpoints/index.js';
import { explanationPanel, heatPanel } from '../../node/draw/index.js';
import { writeFileAtomic } from '../../node/files/files.js';
import { checkFolderFor, guardInputs, type InputGuard, makeFolder } from '../../node/files/output-paths.js';
import { bundledCheckpoint } from '../../node/host/bundled-weights.js';
import { fontNote } from '../../node/report/index.js';
import { decodeSource } from '../../recognize/decode-source.js';
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
import { eachPicture } from '../each-picture.js';
import {
  filesOf,
  findPictures,
  folderWalk,
  type PictureInputs,
  pictureArguments,
  recursiveOption,
} from '../picture-inputs.js';
import { outputStems } from '../prediction-files.js';

interface ExplainOptions extends CheckpointOptions {
  readonly aligned?: boolean;
  readonly recursive?: boolean;
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
    .argument('<image...>', pictureArguments)
    .addOption(recursiveOption())
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
    .action(async (names: readonly string[], options: ExplainOptions) => {
      const pictures = await findPictures(names, folderWalk(options.recursive === true));
      const explainer = await openAs(loadExplainer, options);
      let detector: FaceDetector | undefined;
      try {
        if (options.aligned !== true) detector = await loadFaceDetector(defined({ threads: options.threads }));
        await run(explainer, detector, pictures, options);
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
  pictures: PictureInputs,
  options: ExplainOptions,
): Promise<void> {
  // A wrong class is no matter of a single picture.
  if (options.class !== undefined) classNamed(explainer.description.labels.labels, options.class);
  await checkFolderFor(options.out);
  for (const missing of await fontNote()) note(missing);
  const guard = await guardInputs([options.checkpoint, ...filesOf(pictures.inputs)]);
  const stems = outputStems(pictures.inputs).map((stem) => join(options.out, stem));
  for (const stem of stems) await checkFiles(detector === undefined ? stem : faceStem(stem, 1), options, guard);
  const done: Done[] = [];
  await eachPicture(pictures, {
    transparency: detector === undefined ? 'drop' : 'white',
    use: async (source, { name: image }, i, say) => {
      const result = await explainOne(explainer, detector, source, options);
      if (result.length === 0) say(`${image}: no face found.`);
      for (const one of result) done.push(await write(itemAt(stems, i), { image, ...one }, options, guard));
    },
    print: (failed) => {
      if (options.json !== true && done.length === 0) return;
      printResult(options.json, document(explainer, options.checkpoint, done, failed), () => text(done));
    },
  });
}

const panelPath = (stem: string): string => `${stem}.explain.png`;
const mapsPath = (stem: string): string => `${stem}.explain.safetensors`;

const faceStem = (stem: string, face: number): string => `${stem}.face-${face}`;

/** An explanation before it is written, with the picture that its maps are drawn over. */
interface Explained extends Omit<Done, 'image' | 'panel' | 'maps'> {
  readonly shown: Picture;
}

/** One explanation for a face crop, one for each face of a photo. @throws UserError where the picture cannot be read. */
async function explainOne(
  explainer: Explainer,
  detector: FaceDetector | undefined,
  image: ImageSource,
  { class: target, maxFaces, lowContrast }: ExplainOptions,
): Promise<Explained[]> {
  if (detector === undefined) {
    const { picture } = await decodeSource(image, { transparency: 'drop', name: 'The picture' });
    const explanation = await explain(explainer, picture, target, lowContrast);
    return [{ explanation, shown: withContrast(picture, lowContrast) }];
  }
  const faces = await explainFaces(explainer, detector, image, {
    lowContrast,
    ...defined({ target }),
    ...(maxFaces === undefined ? {} : { detect: { maxFaces } }),
  });
  return faces.map((one, i) => ({ face: i + 1, ...one }));
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
  { shown, ...one }: Explained & Pick<Done, 'image'>,
  options: ExplainOptions,
  guard: InputGuard,
): Promise<Done> {
  const { image, face, explanation } = one;
  const stem = face === undefined ? pictureStem : faceStem(pictureStem, face);
  await checkFiles(stem, options, guard);
  const title = face === undefined ? basename(image) : `${basename(image)}, face ${face}`;
  const drawn = explanationPanel(title, explanation, options.rollout === true ? 'rollout' : 'attention');
  const panel = panelPath(stem);
  await makeFolder(dirname(panel));
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
      const first = itemAt(scores, 0);
      const files = [panel, ...(maps === undefined ? [] : [maps])].map((file) => printable(file, 4096)).join(', ');
      const name = `${printable(image, 4096)}${face === undefined ? '' : `, face ${face}`}`;
      return `${name}: ${first.label} ${probabilityText(first.probability)}, ${files}`;
    })
    .join('\n');
}
