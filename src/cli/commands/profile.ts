import { Command, Option } from 'commander';
import { defined } from '../../common/defined.js';
import { UserError } from '../../common/errors.js';
import type { LabelSet } from '../../common/labels.js';
import { printable } from '../../common/printable.js';
import {
  modelNamed,
  modelNames,
  type NetworkVariant,
  type Profile,
  parseNetwork,
  profile,
  publishedModel,
} from '../../models/index.js';
import { formatTable } from '../../node/report/index.js';
import { ownOptions, parseRun } from '../../node/runs/options.js';
import { runFor } from '../../node/runs/recipes.js';
import { describeCheckpoint } from '../../recognize/index.js';
import { labelSetArgument } from '../arguments.js';
import { labelSetNames, positive } from '../checkpoint-options.js';
import { grouped, note, printResult } from '../context.js';
import { refuseGiven } from '../given-options.js';
import { networkOptionFlags, networkOptionKeys } from '../network-option-flags.js';
import { compared, comparisonDocument, comparisonText } from '../profile-comparison.js';
import { flagOf } from '../settings.js';

interface ProfileOptions extends Readonly<Record<string, unknown>> {
  readonly model?: string;
  readonly checkpoint?: string;
  readonly labels?: LabelSet;
  readonly compare?: readonly string[];
  readonly time?: boolean;
  readonly threads?: number;
  readonly json?: boolean;
}

export function profileCommand(): Command {
  const command = new Command('profile')
    .description("count a network's parameters and multiply-accumulates, by part")
    .addOption(
      new Option(
        '--model <name>',
        `network (default: ${publishedModel}; of a checkpoint, the one that it holds)`,
      ).choices(modelNames),
    );
  const flags = networkOptionFlags();
  for (const option of flags) command.addOption(option);
  return command
    .addOption(
      new Option('--checkpoint <file>', 'count the network in this file').conflicts(
        flags.map((option) => option.attributeName()),
      ),
    )
    .option(
      '--labels <name>',
      `label set of a file that does not name it, such as a .pth (${labelSetNames})`,
      labelSetArgument,
    )
    .addOption(
      new Option('--compare <names...>', 'a table of several networks, for as many classes as the first has')
        .choices(modelNames)
        .conflicts(['model', 'checkpoint', 'labels', ...flags.map((option) => option.attributeName())]),
    )
    .option('--time', 'with --compare: also time each network on the CPU, for recognising and for training')
    .option('--threads <count>', 'threads of the CPU with --time (default: all cores)', positive)
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      '\nExamples:\n  poster profile --model resnet8 --width 2\n  poster profile --checkpoint runs/faces/best.safetensors\n  poster profile --compare poster-v2 poster-v1 arm --time',
    )
    .action(async (options: ProfileOptions, command: Command) => {
      if (options.checkpoint === undefined) {
        refuseGiven(
          command,
          ['labels'],
          (flag) => `${flag} names the labels of weights; give --checkpoint too, or leave it out.`,
        );
      }
      const { compare: names = [] } = options;
      if (names.length === 0 && (options.time === true || options.threads !== undefined)) {
        throw new UserError(
          '--time and --threads are for comparing networks; give --compare too, or leave them out.',
          'usage',
        );
      }
      const [first] = names;
      if (first !== undefined) {
        const { numClasses } = modelNamed(first).network.config;
        const { time = false, threads } = options;
        const timing = { threads, onNetwork: (name: string) => note(`Timing ${name} ...`) };
        const networks = await compared(names, numClasses, time ? timing : undefined);
        printResult(options.json, comparisonDocument(networks, numClasses), () => comparisonText(networks, numClasses));
        return;
      }
      const profiled = await profiledNetwork(options);
      const counted = profile(profiled.network);
      printResult(options.json, document(profiled, counted), () => text(profiled, counted));
    });
}

type Profiled = Pick<NetworkVariant, 'name' | 'summary' | 'network'>;

/** The network of a checkpoint, or the named one with its options. */
async function profiledNetwork(options: ProfileOptions): Promise<Profiled> {
  const { model, labels, checkpoint } = options;
  if (checkpoint !== undefined) {
    const { model: held } = await describeCheckpoint(checkpoint, defined({ model, labels }));
    const network = parseNetwork(held, `The network configuration in ${printable(checkpoint, 4096)}`);
    return { name: held.name, summary: `the network in ${checkpoint}`, network };
  }
  const variant = modelNamed(model ?? publishedModel);
  const given = Object.fromEntries(
    networkOptionKeys.flatMap((key) => (options[key] === undefined ? [] : [[key, options[key]]])),
  );
  if (Object.keys(given).length === 0) return variant;
  const { name, network } = variant;
  const own = ownOptions(parseRun(runFor({ model: name, data: '.', given })));
  const flags = Object.entries(given).map(([key, value]) => `${flagOf(key)} ${String(value)}`);
  const summary = `${name} with ${flags.join(' ')}`;
  return { name, summary, network: network.family.withOptions(name, network.config.numClasses, own) };
}

function document({ name: model }: Profiled, { parameters, macs, dropped, executed }: Profile): object {
  const plain = ({ layers, attention, parts }: Profile['macs']): object => ({
    layers,
    attention,
    parts: Object.fromEntries(parts),
  });
  return {
    model,
    parameters: { ...parameters, published: parameters.published ?? null, parts: Object.fromEntries(parameters.parts) },
    multiplyAccumulates: {
      ...plain(macs),
      ...(dropped === undefined ? {} : { [keyOf(dropped.title)]: macs.layers + dropped.macs }),
      executed: plain(executed),
    },
  };
}

/** `layersWithLandmarkHead` */
const keyOf = (title: string): string =>
  `layersWith${title.replace(/(?:^|\W+)(\w)/g, (_, letter: string) => letter.toUpperCase())}`;

function text({ summary, network }: Profiled, { parameters, macs, dropped, executed }: Profile): string {
  const { published, reachingLogits, trained } = parameters;
  const shortcut = network.published?.shortcut;
  // Some have no parameters, others compute nothing.
  const parts = [...new Set([...parameters.parts.keys(), ...macs.parts.keys()])];
  return [
    summary,
    '',
    formatTable([
      ['parameters', ''],
      ...(published === undefined ? [] : [['  registered in the published checkpoint', grouped(published)]]),
      ['  reaching the logits', grouped(reachingLogits)],
      ['  trained', grouped(trained)],
      ['multiply-accumulates a picture', ''],
      ['  in convolutions and linear layers', grouped(macs.layers)],
      ...(dropped === undefined ? [] : [[`  the same with the ${dropped.title}`, grouped(macs.layers + dropped.macs)]]),
      ['  in products of attention', grouped(macs.attention)],
      [`  as run here${shortcut === undefined ? '' : ` (${shortcut})`}`, grouped(executed.layers + executed.attention)],
    ]),
    '',
    formatTable([
      ['part', 'parameters', 'multiply-accumulates'],
      ...parts.map((part) => [part, grouped(parameters.parts.get(part) ?? 0), grouped(macs.parts.get(part) ?? 0)]),
      ['all', grouped(reachingLogits), grouped(macs.layers)],
    ]),
  ].join('\n');
}
