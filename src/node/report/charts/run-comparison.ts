import type { TopLevelSpec } from 'vega-lite';
import { itemAt } from '../../../common/item-at.js';
import { printable } from '../../../common/printable.js';
import { spread } from '../../../metrics/index.js';
import type { RunGroup } from '../compare.js';
import type { RunEpoch } from '../run-folder.js';
import { curvePanel, type Series } from './curves.js';
import { seriesColours } from './theme.js';

/** Validation loss and accuracy of groups of runs: their mean, one deviation around it, and every run as a thin line. */
export function compareChart(groups: readonly RunGroup[]): TopLevelSpec {
  const last = Math.max(1, ...groups.flatMap(({ runs }) => runs.map(({ run }) => run.epochs.at(-1)?.epoch ?? 1)));
  const size = { width: 340, height: 280 };
  const series = (figure: (epoch: RunEpoch) => number | null): Series[] =>
    groups.flatMap((group, index) => seriesOf(group, index, last, figure));
  return {
    hconcat: [
      curvePanel({ title: 'Validation loss (nats)', series: series(({ valLoss }) => valLoss), ...size }, last),
      curvePanel(
        {
          title: 'Validation accuracy (%)',
          series: series(({ valAccuracy }) => (valAccuracy === null ? null : 100 * valAccuracy)),
          ...size,
        },
        last,
      ),
    ],
  };
}

function seriesOf(
  { name: full, runs }: RunGroup,
  index: number,
  last: number,
  figure: (epoch: RunEpoch) => number | null,
): Series[] {
  const name = printable(full, 48);
  const colour = itemAt(seriesColours, index % seriesColours.length);
  const lines = runs.map(({ run }) =>
    run.epochs.flatMap((epoch) => {
      const value = figure(epoch);
      return value === null ? [] : [{ epoch: epoch.epoch, value }];
    }),
  );
  const epochs = Array.from({ length: last }, (_, i) => i + 1);
  const spreads = epochs.map((epoch) => ({
    epoch,
    // Where some runs have ended, or not come to yet, a mean of the others would jump.
    ...spread(lines.map((points) => points.find((point) => point.epoch === epoch)?.value ?? null)),
  }));
  const whole = spreads.filter(({ count }) => count === runs.length);
  return [
    {
      name,
      colour,
      points: whole.flatMap(({ epoch, mean }) => (mean === null ? [] : [{ epoch, value: mean }])),
      band: whole.flatMap(({ epoch, mean, deviation }) =>
        mean === null || deviation === null ? [] : [{ epoch, low: mean - deviation, high: mean + deviation }],
      ),
    },
    ...(runs.length > 1 ? lines.map((points) => ({ name, colour, points, quiet: true })) : []),
  ];
}
