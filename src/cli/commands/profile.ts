import { Command, Option } from 'commander';
import { type ModelName, modelNames, models, type Profile, profile } from '../../models/index.js';
import { formatTable } from '../../node/report/index.js';
import { grouped, printResult } from '../context.js';

export function profileCommand(): Command {
  return new Command('profile')
    .description("count a network's parameters and multiply-accumulates, by part")
    .addOption(new Option('--model <name>', 'network').choices(modelNames).default('poster-v2'))
    .option('--json', 'print one JSON document')
    .addHelpText('after', '\nExample:\n  poster profile --model poster-v2-nano')
    .action((options: { model: ModelName; json?: boolean }) => {
      const { config, summary } = models[options.model];
      const counted = profile(config);
      printResult(options.json, document(options.model, counted), () => text(summary, counted));
    });
}

function document(model: ModelName, { parameters, macs, macsWithLandmarkHead, executed }: Profile): object {
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
      layersWithLandmarkHead: macsWithLandmarkHead,
      executed: plain(executed),
    },
  };
}

function text(summary: string, { parameters, macs, macsWithLandmarkHead, executed }: Profile): string {
  const { published, reachingLogits, trained } = parameters;
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
      ...(macsWithLandmarkHead === macs.layers
        ? []
        : [['  the same with the landmark head', grouped(macsWithLandmarkHead)]]),
      ['  in products of attention', grouped(macs.attention)],
      ['  as run here (last block: class token only)', grouped(executed.layers + executed.attention)],
    ]),
    '',
    formatTable([
      ['part', 'parameters', 'multiply-accumulates'],
      ...parts.map((part) => [part, grouped(parameters.parts.get(part) ?? 0), grouped(macs.parts.get(part) ?? 0)]),
      ['all', grouped(reachingLogits), grouped(macs.layers)],
    ]),
  ].join('\n');
}
