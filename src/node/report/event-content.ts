import protobuf from 'protobufjs/light.js';
import type { Calibration, ConfusionMatrix } from '../../metrics/index.js';
import { confusionChart, mostClasses } from './charts/confusion.js';
import { calibrationChart } from './charts/reliability-diagram.js';
import { hasFonts, renderSvg, svgToPng } from './charts/render.js';

/** Figures of an epoch as they are called in `metrics.jsonl`. */
export interface EpochFigures {
  readonly epoch: number;
  readonly trainLoss: number | null;
  readonly trainAccuracy: number | null;
  readonly valLoss: number | null;
  readonly valAccuracy: number | null;
  readonly valMeanClassAccuracy: number | null;
  readonly valMacroF1?: number | null;
  /** Expected calibration error. */
  readonly valEce?: number | null;
  readonly lr: number | null;
}

/** An epoch's scalars by TensorBoard's tags: a slash makes a group. */
export function epochScalars(figures: EpochFigures): Record<string, number | null> {
  return {
    epoch: figures.epoch,
    'loss/training': figures.trainLoss,
    'loss/validation': figures.valLoss,
    'accuracy/training': figures.trainAccuracy,
    'accuracy/validation': figures.valAccuracy,
    'accuracy/validation_class_mean': figures.valMeanClassAccuracy,
    'accuracy/validation_macro_f1': figures.valMacroF1 ?? null,
    'calibration/validation_ece': figures.valEce ?? null,
  };
}

/** Settings as a table in Markdown. */
export function settingsMarkdown(settings: Readonly<Record<string, unknown>>): string {
  const cell = (text: string): string => text.replace(/[\\|`*_<>[\]]/g, '\\$&').replace(/\s+/g, ' ');
  const rows = Object.entries(settings).map(
    ([name, value]) => `| ${cell(name)} | ${cell(JSON.stringify(value) ?? '')} |`,
  );
  return ['| option | value |', '|---|---|', ...rows].join('\n');
}

/**
 * Charts of a measurement as PNGs, by TensorBoard's tags: what is taken for what, and how often predictions of a confidence
 * are right. None where no picture can show it: with very many classes, or on a machine without fonts.
 */
export async function epochImages(
  confusion: ConfusionMatrix,
  calibration: Calibration,
  labels: readonly string[],
  subtitle: string,
): Promise<Record<string, Uint8Array>> {
  if (confusion.length > mostClasses || !(await hasFonts())) return {};
  const png = async (chart: Parameters<typeof renderSvg>[0]): Promise<Uint8Array> =>
    svgToPng(await renderSvg(chart), 1);
  return {
    'validation/confusion': await png(confusionChart(confusion, labels, subtitle)),
    'validation/calibration': await png(calibrationChart(calibration, subtitle)),
  };
}

// https://github.com/tensorflow/tensorboard/blob/master/tensorboard/plugins/hparams/plugin_data.proto
const field = (type: string, id: number): protobuf.IField => ({ type, id });
const HParams = protobuf.Root.fromJSON({
  nested: {
    HParams: { fields: { version: field('int32', 1), start: field('Start', 3), end: field('End', 4) } },
    Start: {
      fields: {
        hparams: { keyType: 'string', ...field('Value', 1) } as protobuf.IMapField,
        startTime: field('double', 5),
      },
    },
    End: { fields: { status: field('int32', 1), endTime: field('double', 2) } },
    Value: {
      // Of one of a kind also what is 0 or false is written.
      oneofs: { kind: { oneof: ['number', 'text', 'flag'] } },
      fields: { number: field('double', 2), text: field('string', 3), flag: field('bool', 4) },
    },
  },
}).lookupType('HParams');

/** Name of TensorBoard's plugin for tables of runs by what they were trained with. */
const pluginName = 'hparams';
const succeeded = 1;

/** Settings as the plugin's columns; what is not set is left out. @param time seconds since 1970 */
export function hyperparametersAtStart(settings: Readonly<Record<string, unknown>>, time: number): PluginRecord {
  const columns = Object.entries(settings).flatMap(([name, value]) => {
    if (value === null || value === undefined) return [];
    const one =
      typeof value === 'number'
        ? { number: value }
        : typeof value === 'boolean'
          ? { flag: value }
          : { text: typeof value === 'string' ? value : JSON.stringify(value) };
    return [[name, one] as const];
  });
  const content = { start: { hparams: Object.fromEntries(columns), startTime: time } };
  return { tag: '_hparams_/session_start_info', name: pluginName, content: encode(content) };
}

/** That a run has come to its end. */
export function hyperparametersAtEnd(time: number): PluginRecord {
  const content = encode({ end: { status: succeeded, endTime: time } });
  return { tag: '_hparams_/session_end_info', name: pluginName, content };
}

/** What an event file is given for a plugin. */
export interface PluginRecord {
  readonly tag: string;
  readonly name: string;
  readonly content: Uint8Array;
}

const encode = (message: object): Uint8Array => HParams.encode(HParams.fromObject(message)).finish();
