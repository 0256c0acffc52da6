import type { TopLevelSpec } from 'vega-lite';
import { perClassMetrics } from '../../metrics/index.js';
import type { RunEpoch } from '../run-folder.js';
import { classNames } from '../text.js';
import { palette } from './render.js';

const percents: [number, number] = [0, 100];
const marks = [0, 50, 100];

/** Recall of each class over the epochs, a small chart a class; undefined where fewer than two epochs tell it. */
export function recallChart(epochs: readonly RunEpoch[], labels: readonly string[]): TopLevelSpec | undefined {
  const told = epochs.flatMap(({ epoch, confusion }) => (confusion === undefined ? [] : [{ epoch, confusion }]));
  const [first] = told;
  if (first === undefined || told.length < 2) return undefined;
  const names = classNames(labels, first.confusion.length);
  const rowsOf = (index: number): object[] =>
    told.flatMap(({ epoch, confusion }) => {
      const recall = perClassMetrics(confusion)[index]?.recall ?? null;
      return recall === null ? [] : [{ epoch, recall: 100 * recall }];
    });
  const last = Math.max(...told.map(({ epoch }) => epoch));
  const domain: [number, number] = [0, last];
  const x = {
    field: 'epoch',
    type: 'quantitative',
    title: 'epoch',
    scale: { domain, nice: false },
    axis: { format: 'd', tickMinStep: 1, tickCount: 4 },
  } as const;
  const y = {
    field: 'recall',
    type: 'quantitative',
    title: null,
    scale: { domain: percents },
    axis: { values: marks },
  } as const;
  return {
    title: 'Recall of each class (%) on the validation pictures',
    columns: 4,
    spacing: 24,
    concat: names.map((name, index) => ({
      title: { text: name, fontSize: 12, offset: 6 },
      data: { values: rowsOf(index) },
      width: 170,
      height: 84,
      layer: [
        { mark: { type: 'area', color: palette.blue, opacity: 0.14 }, encoding: { x, y } },
        { mark: { type: 'line', color: palette.blue }, encoding: { x, y } },
      ],
    })),
  };
}
