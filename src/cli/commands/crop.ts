import { Command, Option } from 'commander';
import * as z from 'zod';
import { countText } from '../../common/count-text.js';
import { cropTemplateFor, knownCropTemplates, rafDbCrop } from '../../common/crop-templates.js';
import { defined } from '../../common/defined.js';
import { UserError } from '../../common/errors.js';
import { typedName } from '../../common/label-sets.js';
import type { CropTemplate } from '../../common/preprocessing.js';
import { loadFaceDetector } from '../../detect/index.js';
import { type Cropped, cropDataset, noFaceName } from '../../node/crop/index.js';
import { readJson } from '../../node/files/files.js';
import { describeCheckpoint } from '../../recognize/index.js';
import { cropSchema } from '../../safetensors/index.js';
import { numberOf } from '../arguments.js';
import { positive } from '../checkpoint-options.js';
import { grouped, note, printResult } from '../context.js';
import { stopOnSignals } from '../interrupt.js';
import { countBar } from '../progress.js';

interface CropFlags {
  readonly size?: number;
  readonly template?: string;
  readonly checkpoint?: string;
  readonly faces: 'largest' | 'all';
  readonly minScore?: number;
  readonly minSize?: number;
  readonly threads?: number;
  readonly json?: boolean;
}

const defaultSize = 224;
const templateNames = knownCropTemplates.map(({ name }) => name).join(', ');

export function cropCommand(): Command {
  return new Command('crop')
    .description('make a dataset of aligned face crops from one of whole photos')
    .argument('<src>', 'folder of pictures: a dataset, or any other')
    .argument('<out>', 'folder for the crops, apart from it')
    .option('--size <pixels>', `side of the crops (default: ${defaultSize}, or that of --checkpoint)`, positive)
    .option(
      '--template <name|file>',
      `how faces lie in the crops: ${templateNames}, or a .json file with points (default: ${rafDbCrop.name})`,
    )
    .addOption(new Option('--checkpoint <file>', 'use template and size of these weights').conflicts('template'))
    .addOption(
      new Option('--faces <which>', 'of several faces in a picture').choices(['largest', 'all']).default('largest'),
    )
    .option(
      '--min-score <score>',
      'least detection score of a face, between 0 and 1 (default: 0.6)',
      numberOf(z.number().gt(0).lt(1)),
    )
    .option('--min-size <pixels>', 'least width of a face, brow to chin', numberOf(z.number().min(0)))
    .option('--threads <count>', 'threads of the face detector (default: all cores)', positive)
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `
Keeps all folders. Copies dataset.json, votes and label lists, with the names of the crops; ${noFaceName} lists the pictures without a
face. Ctrl-C stops; the same command continues.

Examples:
  poster crop photos crops
  poster crop CAER-S CAER-S-crops --size 224
  poster crop photos crops --checkpoint runs/mine/best.safetensors --faces all`,
    )
    .action(run);
}

async function run(src: string, out: string, flags: CropFlags): Promise<void> {
  const { faces, minScore, minSize, threads } = flags;
  const { template, size } = await shapeOf(flags);
  const detector = await loadFaceDetector(defined({ threads }));
  const progress = countBar('pictures');
  const interrupt = stopOnSignals(
    'Stopping after the pictures in work; press again to quit at once.',
    new UserError('Stopped: run the same command again to continue.', 'interrupted'),
  );
  let cropped: Cropped;
  try {
    cropped = await cropDataset(detector, src, out, {
      template,
      size,
      faces,
      onProgress: progress.update,
      signal: interrupt.signal,
      ...defined({ minScore, minSize }),
    });
  } finally {
    progress.stop();
    interrupt.release();
    await detector.dispose();
  }
  printResult(flags.json, { src, out, size, template, faces, ...cropped }, () => text(out, cropped, template, size));
  for (const sentence of cropped.unreadableLists) note(`Note: a list was left out: ${sentence}`);
  if (cropped.without.length > 0) {
    note(
      `Note: pictures without a crop: ${grouped(cropped.without.length)}. ${noFaceName} in ${out} lists them, and why.`,
    );
  }
}

async function shapeOf({ template, checkpoint, size }: CropFlags): Promise<{ template: CropTemplate; size: number }> {
  if (checkpoint !== undefined) {
    const { preprocessing } = await describeCheckpoint(checkpoint);
    return { template: cropTemplateFor(preprocessing), size: size ?? preprocessing.imageSize };
  }
  return { template: await templateNamed(template), size: size ?? defaultSize };
}

async function templateNamed(name: string | undefined): Promise<CropTemplate> {
  if (name === undefined) return rafDbCrop;
  if (/\.json$/i.test(name)) return readJson(name, cropSchema);
  const found = knownCropTemplates.find((one) => typedName(one.name) === typedName(name));
  if (found !== undefined) return found;
  throw new UserError(
    `There is no crop template '${name}'; known are ${templateNames}, or give a .json file with a name and points.`,
    'usage',
  );
}

function text(out: string, { pictures, before, crops, lists }: Cropped, template: CropTemplate, size: number): string {
  return [
    `${out}: ${countText(crops, 'crop')} of ${size}x${size} (${template.name}) from ${countText(pictures, 'picture')}.`,
    ...(before > 0 ? [`${grouped(before)} of them were done before.`] : []),
    ...(lists.length > 0 ? [`Brought along, with the names of the crops: ${lists.join(', ')}.`] : []),
    `Look it through: poster check ${out}`,
  ].join('\n');
}
