import type { TopLevelSpec } from 'vega-lite';
import { renderSvg } from './charts/render.js';
import { indicesOf, nameExpression } from './charts/vega-names.js';
import { classNames } from './text.js';

/** Points in the plane, each of a class. */
export interface Scatter {
  readonly title: string;
  readonly subtitle: string;
  /** [n, 2] */
  readonly points: Float32Array;
  /** [n], indices into `labels`. */
  readonly classes: Int32Array;
  readonly labels: readonly string[];
}

/** Side of the plot in pixels. */
const side = 640;
/** Tells about ten classes apart, also with the common colour deficiencies by lightness; more classes share colours. */
const palette = [
  '#4269d0',
  '#efb118',
  '#ff725c',
  '#3ca951',
  '#a463f2',
  '#6cc5b0',
  '#9c6b4e',
  '#ff8ab7',
  '#1b1e23',
  '#97bbf5',
];

/** A scatter plot coloured by class, each class named at its middle, as an SVG document. */
export function scatterSvg(scatter: Scatter): Promise<string> {
  return renderSvg(specification(scatter));
}

function specification({ title, subtitle, points, classes, labels: given }: Scatter): TopLevelSpec {
  const labels = classNames(given, given.length);
  const counts = labels.map((_, k) => classes.reduce((count, label) => count + (label === k ? 1 : 0), 0));
  const names = labels.map((label, k) => `${label} (${counts[k]})`);
  const values = Array.from(classes, (label, i) => ({
    x: points[2 * i] ?? 0,
    y: points[2 * i + 1] ?? 0,
    class: label,
  }));
  const middles = apart(
    labels.flatMap((label, k) => {
      const own = values.filter((_, i) => classes[i] === k);
      return own.length === 0 ? [] : [{ x: median(own.map(({ x }) => x)), y: median(own.map(({ y }) => y)), label }];
    }),
    extent(values.map(({ x }) => x)) / side,
    extent(values.map(({ y }) => y)) / side,
  );
  const x = { field: 'x', type: 'quantitative', axis: null, scale: { zero: false, nice: false, padding: 12 } } as const;
  const y = { ...x, field: 'y' } as const;
  const name = { x, y, text: { field: 'label', type: 'nominal' } } as const;
  return {
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    title: { text: title, subtitle, anchor: 'start', fontSize: 20, subtitleFontSize: 13, subtitleColor: '#5b6068' },
    width: side,
    height: side,
    view: { stroke: '#e3e6ea' },
    layer: [
      {
        data: { values },
        // Without a description of every point for screen readers: it would be most of the file.
        mark: { type: 'circle', size: values.length > 1500 ? 14 : 34, opacity: 0.65, aria: false },
        encoding: {
          x,
          y,
          color: {
            field: 'class',
            type: 'nominal',
            scale: { domain: indicesOf(names), range: labels.map((_, k) => palette[k % palette.length] ?? '#000000') },
            legend: {
              labelExpr: nameExpression(names),
              title: null,
              labelFontSize: 13,
              labelLimit: 320,
              symbolSize: 90,
              symbolOpacity: 1,
              rowPadding: 6,
            },
          },
        },
      },
      {
        data: { values: middles },
        mark: { type: 'text', fontSize: 15, fontWeight: 600, stroke: '#ffffff', strokeWidth: 4, strokeJoin: 'round' },
        encoding: name,
      },
      {
        data: { values: middles },
        mark: { type: 'text', fontSize: 15, fontWeight: 600, fill: '#1c1f23' },
        encoding: name,
      },
    ],
  };
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.trunc(sorted.length / 2)] ?? 0;
}

const extent = (values: readonly number[]): number =>
  values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY) -
  values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);

interface Name {
  readonly x: number;
  readonly y: number;
  readonly label: string;
}

/** Moves names up until none covers another; a pixel is `width` times `height` of the plot's units. */
function apart(names: readonly Name[], width: number, height: number): Name[] {
  const placed: Name[] = [];
  for (const { x, y, label } of names.toSorted((a, b) => a.y - b.y)) {
    let free = y;
    for (const other of placed) {
      const near = Math.abs(other.x - x) < 4.5 * (label.length + other.label.length) * width;
      if (near && free - other.y < 18 * height) free = other.y + 18 * height;
    }
    placed.push({ x, y: free, label });
  }
  return placed;
}
