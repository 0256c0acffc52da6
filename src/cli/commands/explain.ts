import { basename, extname, join } from 'node:path';
import { Command, Option } from 'commander';
import { writeSafetensors } from '../../checkpoints/index.js';
import { ExitCode, messageOf, UserError } from '../../common/errors.js';
import { printable, writeFileAtomic } from '../../common/files.js';
import { guardInputs, makeFolder } from '../../common/output-paths.js';
import { decodePicture } from '../../data/index.js';
import {
  bundledCheckpoint,
  classNamed,
  type Explainer,
  type Explanation,
  explain,
  loadExplainer,
} from '../../recognize/index.js';
import { fontNote, heatPanel, percent } from '../../report/index.js';
import { type CheckpointOptions, openAs, withCheckpointOptions } from '../checkpoint-options.js';
import { note, printResult } from '../context.js';
import { explanationDocument, explanationPanel, explanationTensors } from '../explanation-output.js';
import { countBar } from '../progress.js';

interface ExplainOptions extends CheckpointOptions {
  readonly aligned?: boolean;
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
    .addOption(new Option('--checkpoint <file>', 'weights').default(bundledCheckpoint, 'bundled poster-v2-nano'))
    .option('--aligned', 'the pictures already are face crops (needed: there is no face detection here)')
    .option('--out <dir>', 'folder for the pictures, NAME.explain.png', '.')
    .option('--class <name>', 'class whose relevance is shown (default: the one ranked first)')
    .option('--rollout', "draw the class token's attention through all blocks, not that of the last")
    .option('--save-maps', 'also write all maps, of each head too, as NAME.explain.safetensors');
  return withCheckpointOptions(command)
    .option('--json', 'print one JSON document, with the maps')
    .addHelpText('after', '\nExample:\n  poster explain face.jpg --aligned --class sadness --out explanations')
    .action(async (images: readonly string[], options: ExplainOptions) => {
      if (options.aligned !== true) {
        throw new UserError(
          'This command does not look for faces; crop each picture to its face, brow to chin, and say so with --aligned.',
          ExitCode.usage,
        );
      }
      const explainer = await openAs(loadExplainer, options);
      try {
        await run(explainer, images, options);
      } finally {
        await explainer.dispose();
      }
    });
}

interface Done {
  readonly image: string;
  readonly panel: string;
  readonly maps?: string;
  readonly explanation: Explanation;
}

async function run(explainer: Explainer, images: readonly string[], options: ExplainOptions): Promise<void> {
  // A wrong class is no matter of a single picture.
  if (options.class !== undefined) classNamed(explainer.description.labels.labels, options.class);
  await makeFolder(options.out);
  for (const missing of await fontNote()) note(missing);
  const names = outputNames(images);
  const guard = await guardInputs([options.checkpoint, ...images]);
  for (const name of names) {
    const stem = join(options.out, name);
    await guard('--out', panelPath(stem));
    if (options.saveMaps === true) await guard('--save-maps', mapsPath(stem));
  }
  const done: Done[] = [];
  const failed: { readonly image: string; readonly reason: string }[] = [];
  const progress = countBar('pictures');
  try {
    for (const [i, image] of images.entries()) {
      const result = await tryOne(explainer, image, join(options.out, names[i] ?? ''), options);
      if (typeof result === 'string') {
        failed.push({ image, reason: result });
        note(`poster: ${result}`);
      } else done.push(result);
      progress.update(i + 1, images.length);
    }
  } finally {
    progress.stop();
  }
  if (options.json === true || done.length > 0) {
    printResult(options.json, document(explainer, options.checkpoint, done, failed), () => text(done));
  }
  if (failed.length > 0) process.exitCode = ExitCode.input;
}

const panelPath = (stem: string): string => `${stem}.explain.png`;
const mapsPath = (stem: string): string => `${stem}.explain.safetensors`;

/** What was written for one picture, or the sentence why the picture cannot be read. */
async function tryOne(
  explainer: Explainer,
  image: string,
  stem: string,
  options: ExplainOptions,
): Promise<Done | string> {
  let explanation: Explanation;
  try {
    explanation = await explain(explainer, image, options.class);
  } catch (error) {
    if (!(error instanceof UserError) || error.exitCode !== ExitCode.input) throw error;
    return messageOf(error);
  }
  const drawn = explanationPanel(basename(image), explanation, options.rollout === true ? 'rollout' : 'attention');
  const panel = panelPath(stem);
  await writeFileAtomic(panel, await heatPanel(await decodePicture(image), drawn));
  if (options.saveMaps !== true) return { image, panel, explanation };
  const maps = mapsPath(stem);
  const about = new Map([
    ['image', image],
    ['target', explanation.target],
  ]);
  await writeSafetensors(maps, explanationTensors(explanation), about);
  return { image, panel, maps, explanation };
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
    .map(({ image, panel, maps, explanation: { scores } }) => {
      const [first] = scores;
      const files = [panel, ...(maps === undefined ? [] : [maps])].map((file) => printable(file, 4096)).join(', ');
      return `${printable(image, 4096)}: ${first?.label ?? ''} ${percent(first?.probability ?? 0)}%, ${files}`;
    })
    .join('\n');
}
