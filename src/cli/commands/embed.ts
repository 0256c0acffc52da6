import { dirname, relative, sep } from 'node:path';
import { Command, Option } from 'commander';
import { stringify } from 'csv-stringify/sync';
import { z } from 'zod';
import { defined } from '../../common/defined.js';
import { UserError } from '../../common/errors.js';
import { itemAt } from '../../common/item-at.js';
import type { LabelSet } from '../../common/labels.js';
import { printable } from '../../common/printable.js';
import { writeSafetensors } from '../../node/checkpoints/index.js';
import { writeFileAtomic } from '../../node/files/files.js';
import { guardInputs, makeFolder } from '../../node/files/output-paths.js';
import { bundledCheckpoint } from '../../node/host/bundled-weights.js';
import {
  type EmbeddedDataset,
  type Embedder,
  embedDataset,
  type FeatureMap,
  fewestMapped,
  loadEmbedder,
  mapFeatures,
} from '../../node/measure/index.js';
import { fontNote, scatterSvg, writeChart } from '../../node/report/index.js';
import { bytesOf, type Tensor } from '../../safetensors/index.js';
import { labelSetArgument, numberOf } from '../arguments.js';
import {
  type CheckpointOptions,
  labelSetNames,
  openAs,
  positive,
  withCheckpointOptions,
} from '../checkpoint-options.js';
import { grouped, note, noteSkipped, printResult } from '../context.js';
import { countBar } from '../progress.js';

interface EmbedOptions extends CheckpointOptions {
  readonly out: string;
  readonly split?: string;
  readonly dataLabels?: LabelSet;
  readonly map: boolean;
  readonly most: number;
  readonly seed: number;
  readonly neighbours: number;
  readonly minDistance: number;
  readonly batchSize: number;
  readonly workers?: number;
  readonly strict?: boolean;
  readonly json?: boolean;
}

const extension = '.safetensors';

export function embedCommand(): Command {
  const command = new Command('embed')
    .description("write the features of a dataset's pictures, and a 2-D map of them coloured by class")
    .argument('<dir>', 'dataset: class folders, or splits of class folders')
    .requiredOption('--out <file>', `features, a ${extension} file; the map goes beside it as .csv, .svg and .png`)
    .addOption(
      new Option('--checkpoint <path>', 'weights: a file, or a folder that holds them').default(
        bundledCheckpoint(),
        'bundled poster-v2-nano',
      ),
    )
    .option('--split <name>', 'split of the dataset (default: test, else valid)')
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
  return withCheckpointOptions(command)
    .option('--data-labels <name>', `what numbered class folders stand for (${labelSetNames})`, labelSetArgument)
    .option('--batch-size <count>', 'pictures at once', positive, 32)
    .option('--workers <count>', 'threads that decode pictures', numberOf(z.int().min(0)))
    .option('--strict', 'fail at a picture that cannot be read, instead of leaving it out')
    .option('--json', 'print one JSON document')
    .addHelpText('after', '\nExample:\n  poster embed data/ferplus --split valid --out features.safetensors')
    .action(async (dir: string, options: EmbedOptions) => {
      if (!options.out.endsWith(extension)) {
        throw new UserError(`--out is ${options.out}; give a name that ends in ${extension}.`, 'usage');
      }
      const embedder = await openAs(loadEmbedder, options);
      try {
        await run(embedder, dir, options);
      } finally {
        await embedder.dispose();
      }
    });
}

async function run(embedder: Embedder, dir: string, options: EmbedOptions): Promise<void> {
  // Before the long part, not after it.
  const guard = await guardInputs([options.checkpoint]);
  await guard('--out', options.out);
  await makeFolder(dirname(options.out));
  const embedded = await readFeatures(embedder, dir, options);
  noteSkipped(embedded.skipped);
  const map = options.map ? await layOut(embedded, options) : undefined;
  const stem = options.out.slice(0, -extension.length);
  const files: string[] = [options.out];
  await writeSafetensors(options.out, tensors(embedded, map), about(embedder, embedded, options));
  const csv = `${stem}.csv`;
  await writeFileAtomic(csv, table(dir, embedder, embedded, map));
  files.push(csv);
  if (map !== undefined) {
    for (const missing of await fontNote()) note(missing);
    const svg = await scatterSvg({
      title: 'Features of the pictures, by class',
      subtitle: caption(embedder, embedded, map, options),
      points: map.points,
      classes: map.indices.map((row) => itemAt(embedded.classes, row)),
      labels: embedded.labels.labels,
    });
    files.push(...(await writeChart(stem, svg)));
  }
  const { split, labels, dimension, skipped, paths } = embedded;
  const document = {
    checkpoint: options.checkpoint,
    model: embedder.description.model.name,
    data: dir,
    split,
    labels,
    pictures: paths.length,
    dimension,
    mapped: map?.indices.length ?? 0,
    seed: options.seed,
    files,
    skipped: skipped.map(({ path, reason }) => ({ path, reason })),
  };
  printResult(options.json, document, () => files.map((file) => printable(file, 4096)).join('\n'));
}

async function readFeatures(embedder: Embedder, dir: string, options: EmbedOptions): Promise<EmbeddedDataset> {
  const { split, dataLabels, batchSize, workers, strict = false } = options;
  const progress = countBar('pictures');
  try {
    return await embedDataset(embedder, dir, {
      batchSize,
      strict,
      onProgress: progress.update,
      ...defined({ split, folderLabels: dataLabels, workers }),
    });
  } finally {
    progress.stop();
  }
}

async function layOut(embedded: EmbeddedDataset, options: EmbedOptions): Promise<FeatureMap | undefined> {
  const { most, seed, neighbours, minDistance } = options;
  const { features, dimension, classes } = embedded;
  if (classes.length < fewestMapped) {
    note(`There is no map: it needs at least ${fewestMapped} pictures, here are ${classes.length}.`);
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
function about(embedder: Embedder, embedded: EmbeddedDataset, options: EmbedOptions): Map<string, string> {
  const { model, labels } = embedder.description;
  return new Map([
    ['model', model.name],
    ['checkpoint', options.checkpoint],
    ['split', embedded.split],
    ['labels', JSON.stringify(embedded.labels.labels)],
    ['predicted_labels', JSON.stringify(labels.labels)],
  ]);
}

/** A line for each row of the features; x and y are empty where a picture is not on the map. */
function table(dir: string, embedder: Embedder, embedded: EmbeddedDataset, map: FeatureMap | undefined): string {
  const { paths, classes, predicted, labels } = embedded;
  const places = new Map([...(map?.indices ?? [])].map((row, i) => [row, i]));
  const rows = paths.map((path, row) => {
    const place = places.get(row);
    const point = map === undefined || place === undefined ? [] : map.points.subarray(2 * place, 2 * place + 2);
    return {
      row,
      picture: relative(dir, path).replaceAll(sep, '/'),
      class: itemAt(labels.labels, itemAt(classes, row)),
      predicted: itemAt(embedder.description.labels.labels, itemAt(predicted, row)),
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
  { description, dimension }: Embedder,
  { paths, split }: EmbeddedDataset,
  { indices }: FeatureMap,
  { seed, neighbours }: EmbedOptions,
): string {
  const all = indices.length === paths.length ? '' : ` of ${grouped(paths.length)}, stratified`;
  return (
    `${grouped(indices.length)}${all} pictures, split ${split}; ${dimension} features of ${description.model.name}; ` +
    `UMAP, ${neighbours} neighbours, seed ${seed}`
  );
}
