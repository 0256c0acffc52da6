import type { TopLevelSpec } from 'vega-lite';
import { type ConfusionMatrix, perClassMetrics } from '../../metrics/index.js';
import { classNames, grouped } from '../text.js';
import { indicesOf, nameExpression } from './vega-names.js';

/** More classes than these make no picture any more. */
export const mostClasses = 60;

/**
 * A confusion matrix whose rows add up to 100%: the diagonal shows the recall of each class. Behind the names of the
 * true classes, how many pictures they have; a class without any has an empty row.
 */
export function confusionChart(matrix: ConfusionMatrix, labels: readonly string[], subtitle: string): TopLevelSpec {
  const names = classNames(labels, matrix.length);
  const supports = perClassMetrics(matrix).map(({ support }) => support);
  const rowNames = names.map((name, c) => `${name} (${grouped(supports[c] ?? 0)})`);
  const cells = matrix.flatMap((row, t) =>
    row.map((count, p) => ({
      true: t,
      predicted: p,
      description: `${names[t]} taken for ${names[p]}: ${grouped(count)}`,
      count,
      percent: supports[t] ? (100 * count) / supports[t] : 0,
      text: supports[t] ? percentText(count / supports[t]) : '',
    })),
  );
  const cell = matrix.length <= 10 ? 58 : matrix.length <= 20 ? 40 : 14;
  const long = Math.max(...names.map((name) => name.length)) > 9 || cell < 58;
  const turned = long ? ({ labelAngle: -40, labelAlign: 'left' } as const) : ({ labelAngle: 0 } as const);
  const axis = { domain: false, ticks: false, labelLimit: 0, titlePadding: 10 } as const;
  const scale = { paddingInner: 0.035, paddingOuter: 0 } as const;
  const x = {
    field: 'predicted',
    type: 'nominal',
    sort: null,
    title: 'taken for',
    scale: { ...scale, domain: indicesOf(names) },
    axis: { ...axis, labelExpr: nameExpression(names), orient: 'top', ...turned },
  } as const;
  const y = {
    field: 'true',
    type: 'nominal',
    sort: null,
    title: 'true class (pictures)',
    scale: { ...scale, domain: indicesOf(names) },
    axis: { ...axis, labelExpr: nameExpression(rowNames) },
  } as const;
  return {
    title: { text: 'Confusion matrix, rows in %', subtitle, subtitlePadding: 6 },
    width: { step: cell },
    height: { step: cell },
    data: { values: cells },
    layer: [
      {
        mark: { type: 'rect', cornerRadius: 2 },
        encoding: {
          x,
          y,
          color: {
            field: 'percent',
            type: 'quantitative',
            scale: { domain: [0, 100], range: ['#f1f5f9', '#b9d4ea', '#5c9fce', '#1f6fb0', '#0b3c6f'] },
            legend: null,
          },
          description: { field: 'description', type: 'nominal' },
        },
      },
      ...(cell < 40
        ? []
        : [
            {
              mark: { type: 'text', baseline: 'middle', fontSize: cell > 40 ? 13 : 11 },
              encoding: {
                x,
                y,
                text: { field: 'text', type: 'nominal' },
                color: { condition: { test: 'datum.percent >= 45', value: '#ffffff' }, value: '#1f2328' },
                opacity: { condition: { test: 'datum.count === 0', value: 0.35 }, value: 1 },
              },
            } as const,
          ]),
    ],
  };
}

/** In whole percent; what is not nothing and not all does not look so. */
function percentText(share: number): string {
  if (share > 0 && share < 0.005) return '<1';
  if (share < 1 && share >= 0.995) return '>99';
  return String(Math.round(100 * share));
}
