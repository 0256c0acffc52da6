import { percent } from '../../common/percent.js';
import type { FigureName, Spread } from '../../metrics/index.js';
import { settingText } from '../draw/text.js';
import type { Comparison, RunGroup } from './compare.js';
import { settingNamed } from './run-folder.js';
import { formatTable } from './text-tables.js';

const columns: readonly (readonly [name: FigureName, head: string])[] = [
  ['accuracy', 'accuracy %'],
  ['meanClassAccuracy', 'mean-class %'],
  ['macroF1', 'macro-F1 %'],
  ['ece', 'ECE %'],
];

/** `80.32 ± 0.21`, both in percent; without the deviation where there is none. */
export function spreadText({ mean, deviation }: Spread): string {
  return deviation === null ? percent(mean, 2) : `${percent(mean, 2)} ± ${percent(deviation, 2)}`;
}

/** Groups with mean ± deviation, then every run, as tables of text. */
export function comparisonText(comparison: Comparison): string {
  const { groups, differing, over } = comparison;
  const shown = columns.filter(([name]) => groups.some(({ spread }) => spread[name].count > 0));
  const several = groups.length > 1;
  const number = (index: number): string[] => (several ? [String(index + 1)] : []);
  return [
    formatTable([
      [...(several ? ['group'] : []), ...differing, 'runs', 'best epoch', ...shown.map(([, head]) => head)],
      ...groups.map((group, index) => [
        ...number(index),
        ...differing.map((name) => settingText(group.settings[name])),
        String(group.runs.length),
        meanEpoch(group),
        ...shown.map(([name]) => spreadText(group.spread[name])),
      ]),
    ]),
    '',
    formatTable([
      ['run', ...(several ? ['group'] : []), ...over, 'best epoch', ...shown.map(([, head]) => head)],
      ...groups.flatMap((group, index) =>
        group.runs.map(({ run, settings, figures }) => [
          run.path,
          ...number(index),
          ...over.map((name) => settingText(settingNamed(settings, name))),
          String(run.best?.epoch ?? '-'),
          ...shown.map(([name]) => percent(figures[name], 2)),
        ]),
      ),
    ]),
  ].join('\n');
}

const meanEpoch = ({ bestEpoch: { mean } }: RunGroup): string =>
  mean === null ? '-' : String(Number(mean.toFixed(1)));

/** Groups as rows for a CSV file, the head first; fractions, not percent. Empty where nothing defines a figure or a setting. */
export function comparisonRows({ groups, differing }: Comparison): string[][] {
  const figures: readonly FigureName[] = ['accuracy', 'meanClassAccuracy', 'macroF1', 'ece', 'brier'];
  const cell = (value: number | null): string => (value === null ? '' : String(value));
  return [
    [...differing, 'runs', ...figures.flatMap((name) => [`${name}_mean`, `${name}_deviation`]), 'folders'],
    ...groups.map((group) => [
      ...differing.map((name) => ((group.settings[name] ?? null) === null ? '' : settingText(group.settings[name]))),
      String(group.runs.length),
      ...figures.flatMap((name) => [cell(group.spread[name].mean), cell(group.spread[name].deviation)]),
      group.runs.map(({ run }) => run.path).join(' '),
    ]),
  ];
}
