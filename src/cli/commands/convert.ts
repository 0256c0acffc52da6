import { stat } from 'node:fs/promises';
import { Command, InvalidArgumentError, Option } from 'commander';
import * as z from 'zod';
import { defined } from '../../common/defined.js';
import { itemAt } from '../../common/item-at.js';
import type { LabelSet } from '../../common/labels.js';
import { modelNames } from '../../models/index.js';
import { type Converted, convert, type Format, formats } from '../../node/convert/index.js';
import { formatTable } from '../../node/report/index.js';
import { opsets } from '../../onnx/index.js';
import type { Precision, Preference } from '../../safetensors/index.js';
import { labelSetArgument, numberOf } from '../arguments.js';
import { labelSetNames, preferOption } from '../checkpoint-options.js';
import { grouped, note, printResult } from '../context.js';
import { advised } from '../settings.js';

interface ConvertCommandOptions {
  readonly to?: Format;
  readonly precision?: Precision;
  readonly opset?: number;
  readonly deadTensors?: boolean;
  readonly recorders?: number;
  readonly model?: string;
  readonly labels?: LabelSet;
  readonly prefer?: Preference;
  readonly json?: boolean;
}

const [firstOpset = 0] = opsets;
const lastOpset = itemAt(opsets, opsets.length - 1);

export function convertCommand(): Command {
  return new Command('convert')
    .description('write a checkpoint in another format: .pth, .safetensors, .onnx, or a Hugging Face folder')
    .argument('<in>', 'checkpoint (.safetensors, .pth), or a folder that this command made')
    .argument('<out>', 'file to write, whose ending selects the format; a folder if it ends in /')
    .addOption(new Option('--to <format>', 'format, whatever the ending of <out>').choices(formats))
    .addOption(
      new Option('--precision <type>', 'how matrices and kernels are stored (default: F32)').choices(['F32', 'F16']),
    )
    .option('--opset <version>', `ONNX: operator set, ${firstOpset} to ${lastOpset} (default: 21)`, opsetArgument)
    .option('--dead-tensors', 'also write the unused tensors that the published code requires in a .pth')
    .option(
      '--recorders <epochs>',
      '.pth: also write the objects that --resume of the published script needs, for so many epochs, such as 200',
      numberOf(z.int().min(1).max(100_000)),
    )
    .addOption(
      new Option(
        '--model <name>',
        'network of a file that does not name it (default: identified by its tensors)',
      ).choices(modelNames),
    )
    .option('--labels <name>', `label set of a file that does not name it (${labelSetNames})`, labelSetArgument)
    .addOption(preferOption())
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `
Examples:
  poster convert runs/mine/best.safetensors mine.onnx
  poster convert runs/mine/best.safetensors mine/                          Hugging Face folder
  poster convert runs/mine/best.safetensors mine.pth --dead-tensors        for the published code
  poster convert raf-db.pth raf-db.safetensors --labels RAF-DB`,
    )
    .action(run);
}

function opsetArgument(text: string): number {
  const opset = opsets.find((known) => String(known) === text);
  if (opset === undefined) throw new InvalidArgumentError(`It must be one of ${opsets.join(', ')}.`);
  return opset;
}

async function run(from: string, out: string, options: ConvertCommandOptions): Promise<void> {
  const { to, precision, opset, deadTensors, recorders, model, labels, prefer } = options;
  const converted = await convert(from, out, {
    ...defined({ to, precision, opset, deadTensors, recorderEpochs: recorders, prefer }),
    assumed: defined({ model, labels }),
  });
  for (const { sentence, settings } of converted.notes) note(advised(sentence, settings));
  const files = await Promise.all(converted.files.map(async (path) => ({ path, bytes: (await stat(path)).size })));
  printResult(options.json, document(converted, files), () => text(converted, files));
}

type Files = readonly { readonly path: string; readonly bytes: number }[];

function document({ to, source, tensors, opset, notes }: Converted, files: Files): object {
  const { model, labels } = source.description;
  return {
    from: source.path,
    to,
    model: model.name,
    labels,
    tensors,
    ...(opset === undefined ? {} : { opset, batch: 'batch_size' }),
    files,
    notes: notes.map(({ sentence, settings }) => advised(sentence, settings)),
  };
}

const titles: Readonly<Record<Format, string>> = {
  pth: 'a PyTorch checkpoint',
  safetensors: 'safetensors',
  onnx: 'an ONNX model',
  huggingface: 'a Hugging Face folder',
};

function text({ to, source, tensors, opset }: Converted, files: Files): string {
  const { model, labels } = source.description;
  const onnx = opset === undefined ? '' : `, opset ${opset}, batch size free (batch_size)`;
  return [
    `${model.name}, ${labels.labels.length} labels (${labels.labels.join(', ')}), ${grouped(tensors)} tensors, as ${titles[to]}${onnx}:`,
    formatTable(files.map(({ path, bytes }) => [path, `${grouped(bytes)} bytes`])),
  ].join('\n');
}
