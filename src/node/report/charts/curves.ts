import type { TopLevelSpec } from 'vega-lite';
import { defined } from '../../../common/defined.js';
import type { RunEpoch } from '../run-folder.js';
import { type EndLabel, spreadLabels } from './end-labels.js';
import { epochAxis } from './epoch-axis.js';
import { paint } from './theme.js';

type Layer = Extract<TopLevelSpec, { layer: unknown }>['layer'][number];
/** A part of a chart beside others. */
export type Panel = Extract<TopLevelSpec, { hconcat: unknown }>['hconcat'][number];

const panelSize = { width: 260, height: 210 };
/** Between labels, in the chart's units: a line of text. */
const labelGap = 15;

interface Point {
  /** Epochs done. */
  readonly epoch: number;
  readonly value: number;
}

export interface Series {
  readonly name: string;
  readonly colour: string;
  readonly points: readonly Point[];
  /** One deviation to both sides of each point. */
  readonly band?: readonly { readonly epoch: number; readonly low: number; readonly high: number }[];
  /** Drawn thin and without a name. */
  readonly quiet?: boolean;
}

export interface CurvePanel {
  /** With the unit. */
  readonly title: string;
  readonly series: readonly Series[];
  /** How numbers on the axis look; default: with as many digits as they need. */
  readonly axis?: { readonly labelExpr: string };
  readonly zero?: boolean;
  /** Where a dotted line marks the best epoch. */
  readonly best?: number;
  readonly width?: number;
  readonly height?: number;
}

/** Lines over epochs, each named at its end. */
export function curvePanel(panel: CurvePanel, epochs: number): Panel {
  const { title, zero = false, best, width = panelSize.width, height = panelSize.height } = panel;
  const series = panel.series.filter(({ points }) => points.length > 0);
  const heights = series.flatMap(({ points, band = [] }) => [
    ...points.map(({ value }) => value),
    ...band.flatMap(({ low, high }) => [low, high]),
  ]);
  const low = Math.min(...heights, ...(zero ? [0] : []));
  const high = Math.max(...heights);
  const margin = high > low ? 0.04 * (high - low) : Math.abs(high) * 0.1 || 1;
  const domain: [number, number] = [zero && low === 0 ? 0 : low - margin, high + margin];
  const loud = series.filter(({ quiet }) => quiet !== true);
  const ends = loud.flatMap(({ name, colour, points }): EndLabel[] => {
    const last = points.at(-1);
    return last === undefined ? [] : [{ x: last.epoch, value: last.value, name, colour }];
  });
  // A colour itself, and no scale: names of series never become keys within Vega.
  const color = { field: 'colour', type: 'nominal' as const, scale: null };
  const detail = { field: 'line' };
  const x = {
    field: 'epoch',
    type: 'quantitative' as const,
    title: 'epoch',
    scale: { domain: [0, epochs], nice: false },
    axis: epochAxis(epochs, 8),
  };
  const y = {
    field: 'value',
    type: 'quantitative' as const,
    title: null,
    scale: { domain, zero: false, nice: false },
    axis: panel.axis ?? {},
  };
  const rows = (some: readonly Series[]): object[] =>
    some.flatMap(({ name, colour, points }, line) =>
      points.map((point) => ({
        ...point,
        colour,
        line,
        about: `${name || title}, epoch ${point.epoch}: ${point.value}`,
      })),
    );
  const layers: Layer[] = [];
  if (best !== undefined) {
    layers.push({
      data: { values: [{ epoch: best }] },
      mark: { type: 'rule', strokeDash: [2, 3], color: paint('rule') },
      encoding: { x },
    });
    layers.push({
      data: { values: [{ epoch: best }] },
      // To the side that leaves the names at the lines' ends alone.
      mark: {
        type: 'text',
        text: 'best',
        y: 0,
        dy: -4,
        align: 2 * best > epochs ? 'right' : 'left',
        baseline: 'bottom',
        fontSize: 11,
        color: paint('gray'),
      },
      encoding: { x },
    });
  }
  const bands = loud.flatMap(({ colour, band = [] }, line) => band.map((at) => ({ ...at, colour, line })));
  if (bands.length > 0) {
    layers.push({
      data: { values: bands },
      mark: { type: 'area', opacity: 0.16 },
      encoding: { x, y: { ...y, field: 'low' }, y2: { field: 'high' }, color, detail },
    });
  }
  const quiet = series.filter((one) => one.quiet === true);
  if (quiet.length > 0) {
    layers.push({
      data: { values: rows(quiet) },
      mark: { type: 'line', strokeWidth: 1, opacity: 0.45 },
      encoding: { x, y, color, detail },
    });
  }
  const few = Math.max(...series.map(({ points }) => points.length)) <= 30;
  layers.push(
    {
      data: { values: rows(loud) },
      mark: { type: 'line', point: few ? { size: 28, filled: true } : false },
      encoding: { x, y, color, detail, description: { field: 'about', type: 'nominal' } },
    },
    {
      data: {
        values: spreadLabels(ends, ((domain[1] - domain[0]) * labelGap) / height, domain).map((label) => ({
          epoch: label.x,
          value: label.y,
          name: label.name,
          colour: label.colour,
        })),
      },
      mark: { type: 'text', align: 'left', dx: 8, baseline: 'middle', fontWeight: 600, aria: false },
      encoding: { x, y, text: { field: 'name' }, color },
    },
  );
  // The title keeps its distance from the plot, not from what is written above it: titles stand in line.
  return { title: { text: title, frame: 'group', offset: 20 }, width, height, layer: layers };
}

const pointsOf = (
  epochs: readonly RunEpoch[],
  figure: (epoch: RunEpoch) => number | null | undefined,
): { readonly epoch: number; readonly value: number }[] =>
  epochs.flatMap((one) => {
    const value = figure(one);
    return value === null || value === undefined ? [] : [{ epoch: one.epoch, value }];
  });

const percentOf = (fraction: number | null | undefined): number | null =>
  fraction === null || fraction === undefined ? null : 100 * fraction;

/** A rate of 0 is `0`. */
const powersOfTen = { labelExpr: "datum.value === 0 ? '0' : format(datum.value, '~e')" };

/** Loss, accuracy and learning rate of a run over its epochs, side by side. */
export function curvesChart(epochs: readonly RunEpoch[]): TopLevelSpec {
  return { hconcat: curvePanels(epochs) };
}

/** The same one by one. */
export function curvePanels(epochs: readonly RunEpoch[]): Panel[] {
  const last = Math.max(1, ...epochs.map(({ epoch }) => epoch));
  const best = epochs.findLast((epoch) => epoch.best)?.epoch;
  const marked: Pick<CurvePanel, 'best'> = defined({ best });
  const rate = epochs.flatMap(({ epoch, lrStart, lr }) => [
    ...(lrStart === undefined || lrStart === null ? [] : [{ epoch: epoch - 1, value: lrStart }]),
    ...(lr === null ? [] : [{ epoch, value: lr }]),
  ]);
  const line = (name: string, colour: string, figure: (epoch: RunEpoch) => number | null | undefined): Series => ({
    name,
    colour,
    points: pointsOf(epochs, figure),
  });
  const panels: CurvePanel[] = [
    {
      title: 'Loss (nats)',
      series: [
        line('training', paint('gray'), ({ trainLoss }) => trainLoss),
        line('validation', paint('blue'), ({ valLoss }) => valLoss),
      ],
    },
    {
      title: 'Accuracy (%)',
      series: [
        line('training', paint('gray'), ({ trainAccuracy }) => percentOf(trainAccuracy)),
        line('validation', paint('blue'), ({ valAccuracy }) => percentOf(valAccuracy)),
        line('class mean', paint('vermilion'), (one) => percentOf(one.valMeanClassAccuracy)),
      ],
    },
    {
      title: 'Learning rate',
      zero: true,
      ...(Math.max(...rate.map(({ value }) => value)) < 1e-3 ? { axis: powersOfTen } : {}),
      series: [{ name: '', colour: paint('green'), points: rate }],
    },
  ];
  return panels.map((panel) => curvePanel({ ...panel, ...marked }, last));
}
