import { Command, Option } from 'commander';
import { ExitCode, messageOf, UserError } from '../../common/errors.js';
import { printable } from '../../common/files.js';
import {
  bundledCheckpoint,
  type Classifier,
  classifyPictures,
  loadPicture,
  type Score,
} from '../../recognize/index.js';
import { bar, formatTable, percent } from '../../report/index.js';
import { type CheckpointOptions, openCheckpoint, withCheckpointOptions } from '../checkpoint-options.js';
import { note, printResult } from '../context.js';

interface PredictOptions extends CheckpointOptions {
  readonly aligned?: boolean;
  readonly json?: boolean;
}

export function predictCommand(): Command {
  const command = new Command('predict')
    .description('recognise the expression on pictures of faces')
    .argument('<image...>', 'pictures (JPEG, PNG, WebP, GIF, TIFF, AVIF)')
    .addOption(new Option('--checkpoint <file>', 'weights').default(bundledCheckpoint, 'bundled poster-v2-nano'))
    .option('--aligned', 'the pictures already are face crops (needed: there is no face detection yet)');
  return withCheckpointOptions(command)
    .option('--json', 'print one JSON document, with logits')
    .addHelpText('after', '\nExample:\n  poster predict face.jpg --aligned')
    .action(async (images: readonly string[], options: PredictOptions) => {
      if (options.aligned !== true) {
        throw new UserError(
          'There is no face detection yet; crop each picture to its face, brow to chin, and say so with --aligned.',
          ExitCode.usage,
        );
      }
      const classifier = await openCheckpoint(options);
      try {
        await run(classifier, images, options);
      } finally {
        await classifier.dispose();
      }
    });
}

interface Failure {
  readonly image: string;
  readonly reason: string;
}

/** Pictures at once. */
const chunk = 16;

async function run(classifier: Classifier, images: readonly string[], options: PredictOptions): Promise<void> {
  const found: { image: string; scores: Score[] }[] = [];
  const failed: Failure[] = [];
  for (let start = 0; start < images.length; start += chunk) {
    const names: string[] = [];
    const pictures: Float32Array[] = [];
    const loaded = images.slice(start, start + chunk).map(async (image) => tryPicture(image, classifier));
    for (const [i, result] of (await Promise.all(loaded)).entries()) {
      const image = images[start + i] ?? '';
      if (result instanceof Float32Array) {
        names.push(image);
        pictures.push(result);
      } else {
        failed.push({ image, reason: result });
        note(`poster: ${result}`);
      }
    }
    if (pictures.length === 0) continue;
    const scores = await classifyPictures(classifier, pictures);
    scores.forEach((ranking, i) => {
      found.push({ image: names[i] ?? '', scores: ranking });
    });
  }
  if (options.json === true || found.length > 0) {
    printResult(options.json, document(classifier, options.checkpoint, found, failed), () => text(found));
  }
  if (failed.length > 0) process.exitCode = ExitCode.input;
}

/** The picture, or the sentence why there is none. */
async function tryPicture(image: string, { preprocessing }: Classifier): Promise<Float32Array | string> {
  try {
    return await loadPicture(image, preprocessing);
  } catch (error) {
    if (!(error instanceof UserError) || error.exitCode !== ExitCode.input) throw error;
    return messageOf(error);
  }
}

type Found = readonly { readonly image: string; readonly scores: readonly Score[] }[];

function document(classifier: Classifier, checkpoint: string, found: Found, failed: readonly Failure[]): object {
  const { model, labels } = classifier.description;
  return {
    checkpoint,
    model: model.name,
    labels,
    images: found.map(({ image, scores }) => ({ image, expression: scores[0]?.label ?? null, scores })),
    failed,
  };
}

function text(found: Found): string {
  return found
    .map(({ image, scores }) => {
      const table = formatTable(scores.map(({ label, probability }) => [`  ${label}`, `${percent(probability)}%`]));
      const lines = table.split('\n').map((line, i) => `${line}  ${bar(scores[i]?.probability ?? 0)}`.trimEnd());
      return [printable(image, 4096), ...lines].join('\n');
    })
    .join('\n\n');
}
