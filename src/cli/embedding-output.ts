import { dirname, relative, sep } from 'node:path';
import type { Command } from 'commander';
import { stringify } from 'csv-stringify/sync';
import * as z from 'zod';
import { countText } from '../common/count-text.js';
import { UserError } from '../common/errors.js';
import { itemAt } from '../common/item-at.js';
import { printable } from '../common/printable.js';
import { requireNoState, writeSafetensors } from '../node/checkpoints/index.js';
import { guardDataset } from '../node/datasets/guard-dataset.js';
import { writeFileAtomic } from '../node/files/files.js';
import { checkFolderFor, guardInputs, makeFolder } from '../node/files/output-paths.js';
import { type EmbeddedDataset, type FeatureMap, fewestMapped, mapFeatures } from '../node/measure/index.js';
import { fontNote, scatterSvg, writeChart } from '../node/report/index.js';
import { bytesOf, type Tensor } from '../safetensors/index.js';
import { numberOf } from './arguments.js';
import { grouped, note, noteSkipped, printResult } from './context.js';
import { refuseGiven } from './given-options.js';
import { countBar } from './progress.js';

/** How features are written, and the map of them. */
export interface EmbeddingOutputFlags {
  readonly out?: string;
  readonly map: boolean;
  readonly most: number;
  readonly seed: number;
  readonly neighbours: number;
  readonly minDistance: number;
  readonly json?: boolean;
}

/** The options of these. */
export const embeddingOutputOptions = ['out', 'map', 'most', 'seed', 'neighbours', 'minDistance', 'json'] as const;

const extension = '.safetensors';

export function withEmbeddingOutputs(command: Command): Command {
  return command
    .option('--out <file>', `features, a ${extension} file; the map goes beside it as .csv, .svg and .png`)
    .option('--no-map', 'write the features and no map')
    .option(
      '--most <count>',
      'pictures on the map; of more, a stratified sample',
      numberOf(z.int().min(fewestMapped)),
      5000,
    )
    .option('--neighbours <count>', 'neighbours that the map keeps together', numberOf(z.int().min(2).max(500)), 15)
    .option('--min-distance <length>', 'how close points may lie on the map', numberOf(z.number().min(0).max(1)), 0.1)
    .option('--seed <number>', 'seed of the sample and of the map', numberOf(z.int().min(0)), 0);
}

/** @throws UserError (kind `usage`) for options of a map that is not drawn. */
export function refuseWithoutMap(command: Command, { map }: EmbeddingOutputFlags): void {
  if (map) return;
  const options = ['most', 'neighbours', 'minDistance', 'seed'];
  refuseGiven(command, options, (flag) => `${flag} is for the map, which --no-map leaves out; leave one of them out.`);
}

/** What features are of. */
export interface EmbeddingAbout {
  /** The weights, as they were named. */
  readonly checkpoint: string;
  /** Name of the network. */
  readonly model: string;
  /** Folder of the dataset, as it was named. */
  readonly data: string;
  /** Labels of the weights. */
  readonly predictedLabels: readonly string[];
}

/** @throws UserError where features could not be written under the name that is given. */
export function checkEmbeddingName({ out }: EmbeddingOutputFlags): string {
  if (out === undefined) throw new UserError(`Name the file of the features: --out FILE${extension}.`, 'usage');
  if (out.endsWith(extension)) return out;
  throw new UserError(`--out is ${out}; give a name that ends in ${extension}.`, 'usage');
}

/** The table, and where there is a map its pictures. */
function filesBeside(out: string, { map }: EmbeddingOutputFlags): string[] {
  const stem = out.slice(0, -extension.length);
  return (map ? ['.csv', '.svg', '.png'] : ['.csv']).map((end) => `${stem}${end}`);
}

/**
 * @param inputs files that are read
 * @param data folder of the dataset that is read
 * @returns the file to write; its folder is there or can be made
 * @throws UserError
 */
export async function checkEmbeddingOutput(
  options: EmbeddingOutputFlags,
  inputs: readonly string[],
  data?: string,
): Promise<string> {
  const out = checkEmbeddingName(options);
  const guards = [await guardInputs(inputs), ...(data === undefined ? [] : [guardDataset(data)])];
  for (const path of [out, ...filesBeside(out, options)]) {
    for (const guard of guards) await guard('--out', path);
    await requireNoState(path);
  }
  // Made when there is something to write: a dataset that is not there leaves no folder behind.
  await checkFolderFor(dirname(out));
  return out;
}

/** Writes features, their table and their map, and tells of it. */
export async function writeEmbedding(
  out: string,
  about: EmbeddingAbout,
  embedded: EmbeddedDataset,
  options: EmbeddingOutputFlags,
): Promise<void> {
  noteSkipped(embedded.skipped);
  const map = options.map ? await layOut(embedded, options) : undefined;
  const stem = out.slice(0, -extension.length);
  const files: string[] = [out];
  await makeFolder(dirname(out));
  await writeSafetensors(out, tensors(embedded, map), metadata(about, embedded));
  const csv = `${stem}.csv`;
  await writeFileAtomic(csv, table(about, embedded, map));
  files.push(csv);
  if (map !== undefined) {
    for (const missing of await fontNote()) note(missing);
    const svg = await scatterSvg({
      title: 'Features of the pictures, by class',
      subtitle: caption(about, embedded, map, options),
      points: map.points,
      classes: map.indices.map((row) => itemAt(embedded.classes, row)),
      labels: embedded.labels.labels,
    });
    files.push(...(await writeChart(stem, svg)));
  }
  const { split, labels, dimension, skipped, paths } = embedded;
  const { predictedLabels: _, ...of } = about;
  const document = {
    ...of,
    split,
    labels,
    pictures: paths.length,
    dimension,
    mapped: map?.indices.length ?? 0,
    seed: map === undefined ? null : options.seed,
    files,
    skipped: skipped.map(({ path, reason }) => ({ path, reason })),
  };
  printResult(options.json, document, () => files.map((file) => printable(file, 4096)).join('\n'));
}

async function layOut(embedded: EmbeddedDataset, options: EmbeddingOutputFlags): Promise<FeatureMap | undefined> {
  const { most, seed, neighbours, minDistance } = options;
  const { features, dimension, classes } = embedded;
  if (classes.length < fewestMapped) {
    note(`There is no map: it needs at least ${fewestMapped} pictures, and ${classes.length} can be used.`);
    return undefined;
  }
  if (classes.length > most) {
    note(
      `The map shows a stratified sample of ${grouped(most)} of the ${grouped(classes.length)} pictures (--most); ` +
        'the features are of all.',
    );
  }
  const progress = countBar('rounds of the map');
  try {
    const onProgress = progress.update;
    return await mapFeatures(features, dimension, classes, { most, seed, neighbours, minDistance, onProgress });
  } finally {
    progress.stop();
  }
}

function tensors(embedded: EmbeddedDataset, map: FeatureMap | undefined): Map<string, Tensor> {
  const { features, classes, predicted, dimension } = embedded;
  const n = classes.length;
  const result = new Map<string, Tensor>([
    ['features', { dtype: 'F32', shape: [n, dimension], data: bytesOf(features) }],
    ['labels', { dtype: 'I32', shape: [n], data: bytesOf(classes) }],
    ['predicted', { dtype: 'I32', shape: [n], data: bytesOf(predicted) }],
  ]);
  if (map === undefined) return result;
  const m = map.indices.length;
  result.set('map', { dtype: 'F32', shape: [m, 2], data: bytesOf(map.points) });
  return result.set('map_indices', { dtype: 'I32', shape: [m], data: bytesOf(map.indices) });
}

/** What the file says about itself: label indices mean nothing without their names. */
function metadata(
  { checkpoint, model, predictedLabels }: EmbeddingAbout,
  embedded: EmbeddedDataset,
): Map<string, string> {
  return new Map([
    ['model', model],
    ['checkpoint', checkpoint],
    ['split', embedded.split],
    ['labels', JSON.stringify(embedded.labels.labels)],
    ['predicted_labels', JSON.stringify(predictedLabels)],
  ]);
}

/** A line for each row of the features; x and y are empty where a picture is not on the map. */
function table({ predictedLabels }: EmbeddingAbout, embedded: EmbeddedDataset, map: FeatureMap | undefined): string {
  const { root, paths, classes, predicted, labels } = embedded;
  const indexOfRow = new Map([...(map?.indices ?? [])].map((row, i) => [row, i]));
  const rows = paths.map((path, row) => {
    const index = indexOfRow.get(row);
    const point = map === undefined || index === undefined ? [] : map.points.subarray(2 * index, 2 * index + 2);
    return {
      row,
      picture: relative(root, path).replaceAll(sep, '/'),
      class: itemAt(labels.labels, itemAt(classes, row)),
      predicted: itemAt(predictedLabels, itemAt(predicted, row)),
      x: coordinate(point[0]),
      y: coordinate(point[1]),
    };
  });
  return stringify(rows, { header: true, escape_formulas: true });
}

/** A number, so that a minus sign is not taken for the start of a formula. */
const coordinate = (value: number | undefined): number | string =>
  value === undefined ? '' : Number(value.toPrecision(7));

function caption(
  { model }: EmbeddingAbout,
  { paths, split, dimension }: EmbeddedDataset,
  { indices }: FeatureMap,
  { seed, neighbours }: EmbeddingOutputFlags,
): string {
  const all = indices.length === paths.length ? '' : ` of ${grouped(paths.length)}, stratified`;
  return (
    `${all === '' ? countText(indices.length, 'picture') : `${grouped(indices.length)}${all} pictures`}, split ${split}; ${dimension} features of ${model}; ` +
    `UMAP, ${neighbours} neighbours, seed ${seed}`
  );
}
