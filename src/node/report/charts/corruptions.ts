import type { TopLevelSpec } from 'vega-lite';
import { itemAt } from '../../../common/item-at.js';
import { printable } from '../../../common/printable.js';
import type { CorruptedFigures, Robustness } from '../../../metrics/index.js';
import type { Panel } from './curves.js';
import { paint, seriesColours } from './theme.js';

/** A network under corruptions. */
export interface CorruptedNetwork {
  readonly name: string;
  readonly robustness: Robustness;
}

/** A line in every panel. */
interface Line {
  readonly name: string;
  readonly colour: string;
  readonly robustness: Robustness;
  readonly figure: keyof CorruptedFigures;
}

const percents: [number, number] = [0, 100];
const size = { width: 168, height: 104 };

/** Accuracy of one network beside its mean over classes, or the accuracies of several. */
function linesOf(networks: readonly CorruptedNetwork[]): Line[] {
  const [first] = networks;
  if (first !== undefined && networks.length === 1) {
    const { robustness } = first;
    return [
      { name: 'accuracy', colour: paint('blue'), robustness, figure: 'accuracy' },
      { name: 'mean over classes', colour: paint('vermilion'), robustness, figure: 'meanClassAccuracy' },
    ];
  }
  return networks.map(({ name, robustness }, i) => ({
    name: printable(name, 48),
    colour: itemAt(seriesColours, i % seriesColours.length),
    robustness,
    figure: 'accuracy',
  }));
}

/** Accuracy over the strengths of each corruption, a small chart a corruption. */
export function corruptionChart(networks: readonly CorruptedNetwork[], subtitle: string): TopLevelSpec {
  return {
    title: { text: 'Under corruptions (%)', subtitle, subtitlePadding: 6 },
    vconcat: [corruptionLegend(networks), { columns: 4, spacing: 24, concat: corruptionPanels(networks) }],
    spacing: 12,
  };
}

/** What the lines are. */
export function corruptionLegend(networks: readonly CorruptedNetwork[]): Panel {
  const gap = 24;
  let end = 0;
  const entries = linesOf(networks).map(({ name, colour }) => {
    const from = end;
    // As wide as text is taken to be, and the line before it.
    end += gap + 26 + 7.2 * name.length;
    return { name, colour, from, to: from + 18, text: from + 24 };
  });
  const scale = { domain: [0, Math.max(1, end)], nice: false, zero: false };
  const x = (field: string) => ({ field, type: 'quantitative' as const, scale, axis: null });
  const color = { field: 'colour', type: 'nominal' as const, scale: null };
  return {
    data: { values: entries },
    width: Math.max(1, end),
    height: 14,
    layer: [
      { mark: { type: 'rule', strokeWidth: 2, y: 7 }, encoding: { x: x('from'), x2: { field: 'to' }, color } },
      {
        mark: { type: 'text', align: 'left', baseline: 'middle', y: 7 },
        encoding: { x: x('text'), text: { field: 'name' } },
      },
    ],
  };
}

/** The charts one by one. */
export function corruptionPanels(networks: readonly CorruptedNetwork[]): Panel[] {
  const lines = linesOf(networks);
  const [first] = networks;
  return (first?.robustness.corruptions ?? []).map(({ name, unit, strengths }) => {
    const ticks = ['as is', ...strengths.map(({ strength }) => String(strength))];
    const values = lines.flatMap(({ robustness, figure, colour, name: line }, l) => {
      const own = robustness.corruptions.find((one) => one.name === name);
      if (own === undefined) return [];
      return [robustness.clean, ...own.strengths].flatMap((figures, at) => {
        const value = figures[figure];
        if (value === null) return [];
        const about = `${line}, ${name} ${itemAt(ticks, at)}: ${(100 * value).toFixed(1)} %`;
        return [{ at, value: 100 * value, colour, line: l, about }];
      });
    });
    const x = {
      field: 'at',
      type: 'quantitative' as const,
      title: null,
      scale: { domain: [0, strengths.length], nice: false },
      axis: {
        values: ticks.map((_, at) => at),
        labelExpr: `${JSON.stringify(ticks)}[datum.value]`,
        labelFontSize: 10,
        labelFlush: false,
        labelOverlap: false,
      },
    };
    const y = {
      field: 'value',
      type: 'quantitative' as const,
      title: null,
      scale: { domain: percents },
      axis: { values: [0, 50, 100] },
    };
    const encoding = {
      x,
      y,
      color: { field: 'colour', type: 'nominal' as const, scale: null },
      detail: { field: 'line' },
      description: { field: 'about', type: 'nominal' as const },
    };
    return {
      title: { text: name, subtitle: unit, fontSize: 12, subtitleFontSize: 11, offset: 8 },
      data: { values },
      ...size,
      layer: [{ mark: { type: 'line', point: { size: 24, filled: true } }, encoding }],
    };
  });
}
