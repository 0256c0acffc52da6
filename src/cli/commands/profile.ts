import { Command, Option } from 'commander';
import {
  modelNamed,
  modelNames,
  type NetworkVariant,
  type Profile,
  profile,
  publishedModel,
} from '../../models/index.js';
import { formatTable } from '../../node/report/index.js';
import { grouped, printResult } from '../context.js';

export function profileCommand(): Command {
  return new Command('profile')
    .description("count a network's parameters and multiply-accumulates, by part")
    .addOption(new Option('--model <name>', 'network').choices(modelNames).default(publishedModel))
    .option('--json', 'print one JSON document')
    .addHelpText('after', '\nExample:\n  poster profile --model poster-v2-nano')
    .action((options: { model: string; json?: boolean }) => {
      const variant = modelNamed(options.model);
      const counted = profile(variant.network);
      printResult(options.json, document(variant, counted), () => text(variant, counted));
    });
}

function document({ name: model }: NetworkVariant, { parameters, macs, dropped, executed }: Profile): object {
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

function text({ summary, network }: NetworkVariant, { parameters, macs, dropped, executed }: Profile): string {
  const { published, reachingLogits, trained } = parameters;
  const shortcut = network.published?.shortcut;
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
