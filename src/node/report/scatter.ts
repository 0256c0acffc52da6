import type { TopLevelSpec } from 'vega-lite';
import { itemAt } from '../../common/item-at.js';
import { labelColours } from '../../common/label-colours.js';
import { columnsOf, wrapped } from '../../draw/text-width.js';
import { classNames } from '../draw/text.js';
import { renderSvg } from './charts/render.js';
import { indicesOf, nameExpression } from './charts/vega-names.js';

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
/** Between the outermost points and the edge. */
const margin = 12;
/** Of names, in pixels: a column of bold text, and a line. */
const [column, line] = [9, 19] as const;
/** Of the legend, in pixels: a column of text, and the symbol with the room around. */
const [legendColumn, legendSymbol] = [7.6, 44] as const;

/** A scatter plot coloured by class, each class named at its middle, as an SVG document. */
export function scatterSvg(scatter: Scatter): Promise<string> {
  return renderSvg(specification(scatter));
}

function specification({ title, subtitle, points, classes, labels: given }: Scatter): TopLevelSpec {
  const labels = classNames(given, given.length);
  const counts = labels.map((_, k) => classes.reduce((count, label) => count + (label === k ? 1 : 0), 0));
  const names = labels.map((label, k) => `${label} (${counts[k]})`);
  const heights = toPixels(points.filter((_, i) => i % 2 === 1));
  const values = toPixels(points.filter((_, i) => i % 2 === 0)).flatMap((x, i) => {
    const [height, label] = [heights[i], classes[i]];
    return height === undefined || label === undefined ? [] : [{ x, y: side - height, class: label }];
  });
  const middles = apart(
    labels.flatMap((label, k) => {
      const own = values.filter((value) => value.class === k);
      return own.length === 0 ? [] : [{ x: median(own.map(({ x }) => x)), y: median(own.map(({ y }) => y)), label }];
    }),
  );
  // Pixels already.
  const x = { field: 'x', type: 'quantitative', axis: null, scale: null } as const;
  const y = { ...x, field: 'y' } as const;
  const name = { x, y, text: { field: 'label', type: 'nominal' } } as const;
  const widest = legendSymbol + legendColumn * Math.max(0, ...names.map(columnsOf));
  return {
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    title: {
      text: wrapped(title, 55),
      subtitle: wrapped(subtitle, 95),
      anchor: 'start',
      fontSize: 20,
      subtitleFontSize: 13,
      subtitleColor: '#5b6068',
    },
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
            scale: { domain: indicesOf(names), range: labelColours(given) },
            legend: {
              labelExpr: nameExpression(names),
              orient: 'bottom',
              direction: 'horizontal',
              columns: Math.max(1, Math.floor(side / widest)),
              title: null,
              labelFontSize: 13,
              labelLimit: 0,
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

/** Values as places within the plot. */
function toPixels(given: Float32Array): number[] {
  const values = [...given];
  const low = values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  const high = values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  if (!(high > low)) return values.map(() => side / 2);
  return values.map((value) => margin + ((side - 2 * margin) * (value - low)) / (high - low));
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return itemAt(sorted, Math.trunc(sorted.length / 2));
}

interface Name {
  /** In pixels, of its middle. */
  readonly x: number;
  readonly y: number;
  readonly label: string;
}

/** Names within the plot, each moved up or down, as little as can be, to where it touches no other. */
function apart(names: readonly Name[]): Name[] {
  const positioned: Name[] = [];
  const widthOf = ({ label }: Name): number => column * columnsOf(label) + 6;
  for (const name of names.toSorted((a, b) => a.y - b.y)) {
    const half = Math.min(side, widthOf(name)) / 2;
    const x = Math.min(side - half, Math.max(half, name.x));
    const isFree = (y: number): boolean =>
      positioned.every((other) => Math.abs(other.y - y) >= line || Math.abs(other.x - x) >= half + widthOf(other) / 2);
    const steps = Array.from({ length: side }, (_, step) => [name.y + step, name.y - step]).flat();
    const y = steps.find((at) => at >= line / 2 && at <= side - line / 2 && isFree(at)) ?? name.y;
    positioned.push({ ...name, x, y });
  }
  return positioned;
}
