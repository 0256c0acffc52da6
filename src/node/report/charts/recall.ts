import type { TopLevelSpec } from 'vega-lite';
import { perClassMetrics } from '../../../metrics/index.js';
import { classNames } from '../../draw/text.js';
import type { RunEpoch } from '../run-folder.js';
import type { Panel } from './curves.js';
import { epochAxis } from './epoch-axis.js';
import { paint } from './theme.js';

const percents: [number, number] = [0, 100];
const marks = [0, 50, 100];

/** Recall of each class over the epochs, a small chart a class; undefined where fewer than two epochs tell it. */
export function recallChart(epochs: readonly RunEpoch[], labels: readonly string[]): TopLevelSpec | undefined {
  const panels = recallPanels(epochs, labels);
  if (panels.length === 0) return undefined;
  return { title: 'Recall of each class (%) on the validation pictures', columns: 4, spacing: 24, concat: panels };
}

/** The same one by one; none where fewer than two epochs tell it. */
export function recallPanels(epochs: readonly RunEpoch[], labels: readonly string[]): Panel[] {
  const measured = epochs.flatMap(({ epoch, confusion }) => (confusion === undefined ? [] : [{ epoch, confusion }]));
  const [first] = measured;
  if (first === undefined || measured.length < 2) return [];
  const names = classNames(labels, first.confusion.length);
  const rowsOf = (index: number): object[] =>
    measured.flatMap(({ epoch, confusion }) => {
      const recall = perClassMetrics(confusion)[index]?.recall ?? null;
      return recall === null ? [] : [{ epoch, recall: 100 * recall }];
    });
  const domain: [number, number] = [0, Math.max(...measured.map(({ epoch }) => epoch))];
  const x = {
    field: 'epoch',
    type: 'quantitative',
    title: 'epoch',
    scale: { domain, nice: false },
    axis: epochAxis(domain[1], 4),
  } as const;
  const y = {
    field: 'recall',
    type: 'quantitative',
    title: null,
    scale: { domain: percents },
    axis: { values: marks },
  } as const;
  return names.map((name, index) => ({
    title: { text: name, fontSize: 12, offset: 6 },
    data: { values: rowsOf(index) },
    width: 150,
    height: 84,
    layer: [
      { mark: { type: 'area', color: paint('blue'), opacity: 0.14 }, encoding: { x, y } },
      { mark: { type: 'line', color: paint('blue') }, encoding: { x, y } },
    ],
  }));
}
