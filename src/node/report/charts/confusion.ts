import type { TopLevelSpec } from 'vega-lite';
import { itemAt } from '../../../common/item-at.js';
import { textWidth } from '../../../draw/text-width.js';
import { type ConfusionMatrix, perClassMetrics } from '../../../metrics/index.js';
import { classNames, grouped } from '../../draw/text.js';
import { paint } from './theme.js';
import { indicesOf, nameExpression } from './vega-names.js';

/** In columns: long names would leave no room for the cells. */
const longestName = 20;

/** More classes than these make no picture any more. */
export const mostClasses = 60;

/**
 * A confusion matrix whose rows add up to 100%: the diagonal shows the recall of each class. Behind the names of the
 * true classes, how many pictures they have; a class without any has an empty row.
 */
export function confusionChart(matrix: ConfusionMatrix, labels: readonly string[], subtitle: string): TopLevelSpec {
  const names = classNames(labels, matrix.length, longestName);
  const supports = perClassMetrics(matrix).map(({ support }) => support);
  const rowNames = names.map((name, c) => `${name} (${grouped(itemAt(supports, c))})`);
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
  const cell = matrix.length <= 10 ? 36 : matrix.length <= 20 ? 34 : 14;
  const long = Math.max(0, ...names.map((name) => textWidth(name, 12))) > cell;
  const slanted = { labelAngle: cell < 30 ? -90 : -40, labelAlign: 'left' } as const;
  const turned = long ? slanted : ({ labelAngle: 0 } as const);
  const axis = {
    labelFontSize: cell < 30 ? 10 : 12,
    domain: false,
    ticks: false,
    labelLimit: 0,
    titlePadding: 10,
  } as const;
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
      { mark: { type: 'rect', cornerRadius: 2, color: paint('empty'), aria: false }, encoding: { x, y } },
      {
        mark: { type: 'rect', cornerRadius: 2, color: paint('full') },
        encoding: {
          x,
          y,
          fillOpacity: {
            field: 'percent',
            type: 'quantitative',
            scale: { domain: [0, 100], range: [0, 1] },
            legend: null,
          },
          description: { field: 'description', type: 'nominal' },
        },
      },
      ...(cell < 30
        ? []
        : [
            {
              mark: { type: 'text', baseline: 'middle', fontSize: cell > 34 ? 12.5 : 11, aria: false },
              encoding: {
                x,
                y,
                text: { field: 'text', type: 'nominal' },
                color: { condition: { test: 'datum.percent >= 62', value: paint('onFull') }, value: paint('ink') },
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
