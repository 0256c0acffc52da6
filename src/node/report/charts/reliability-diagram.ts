import type { TopLevelSpec } from 'vega-lite';
import type { Calibration } from '../../../metrics/index.js';
import { paint } from './theme.js';

const side = 260;
const percents: [number, number] = [0, 100];

/**
 * A reliability diagram: how often predictions of a confidence are right. On the diagonal they mean what they say, below
 * it they promise too much. Under it, how the confidences are spread.
 */
export function calibrationChart({ bins }: Calibration, subtitle: string): TopLevelSpec {
  const total = bins.reduce((sum, { count }) => sum + count, 0);
  const rows = bins.map(({ from, to, count, confidence, accuracy }) => ({
    from: 100 * from,
    to: 100 * to,
    share: total === 0 ? 0 : (100 * count) / total,
    confidence: confidence === null ? null : 100 * confidence,
    accuracy: accuracy === null ? null : 100 * accuracy,
  }));
  const percent = { domain: percents, nice: false } as const;
  const bin = { field: 'from', type: 'quantitative', scale: percent, title: null } as const;
  const upTo = { field: 'to' } as const;
  const filled = rows.filter(({ accuracy }) => accuracy !== null);
  return {
    title: { text: 'Calibration', subtitle, subtitlePadding: 6 },
    vconcat: [
      {
        width: side,
        height: side,
        layer: [
          {
            data: { values: filled },
            mark: { type: 'rect', color: paint('blue'), opacity: 0.75, stroke: paint('paper') },
            encoding: {
              x: { ...bin, axis: { labels: false, ticks: false } },
              x2: upTo,
              y: { field: 'accuracy', type: 'quantitative', scale: percent, title: 'right (%)' },
              y2: { datum: 0 },
            },
          },
          {
            data: {
              values: [
                { from: 0, accuracy: 0 },
                { from: 100, accuracy: 100 },
              ],
            },
            mark: { type: 'line', color: paint('ink'), strokeDash: [4, 3], strokeWidth: 1.5 },
            encoding: { x: bin, y: { field: 'accuracy', type: 'quantitative' } },
          },
          {
            data: { values: filled },
            mark: { type: 'point', filled: true, color: paint('vermilion'), size: 36, opacity: 1 },
            encoding: {
              x: { field: 'confidence', type: 'quantitative' },
              y: { field: 'accuracy', type: 'quantitative' },
            },
          },
        ],
      },
      {
        width: side,
        height: 60,
        data: { values: rows },
        mark: { type: 'rect', color: paint('gray'), opacity: 0.6, stroke: paint('paper') },
        encoding: {
          x: { ...bin, title: 'confidence (%)' },
          x2: upTo,
          y: {
            field: 'share',
            type: 'quantitative',
            title: 'pictures (%)',
            scale: { zero: true },
            axis: { tickCount: 3 },
          },
          y2: { datum: 0 },
        },
      },
    ],
    spacing: 12,
  };
}
