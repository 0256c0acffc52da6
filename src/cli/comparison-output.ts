import { printable } from '../common/printable.js';
import type { Evaluated } from '../node/measure/index.js';
import { type Comparison, comparisonText, type RunFolder, settingNamed } from '../node/report/index.js';

/** How weights were measured for the comparison; none where the figures are what training recorded. */
export type MeasuredRuns = ReadonlyMap<RunFolder, Pick<Evaluated, 'protocol' | 'skipped'>>;

/** For programs. @param on what was measured on; `validation`: the pictures that chose the best epoch */
export function comparisonDocument(comparison: Comparison, on: string, measured: MeasuredRuns = new Map()): object {
  return {
    on,
    ...comparison,
    groups: comparison.groups.map(({ runs, ...group }) => ({
      ...group,
      runs: runs.map(({ run, settings, figures }) => ({
        run: run.path,
        ...Object.fromEntries(comparison.over.map((name) => [name, settingNamed(settings, name) ?? null])),
        epochs: run.epochs.length,
        planned: run.planned ?? null,
        bestEpoch: run.best?.epoch ?? null,
        figures,
        protocol: measured.get(run)?.protocol ?? null,
        skipped: measured.get(run)?.skipped.map(({ path, reason }) => ({ path, reason })) ?? [],
      })),
    })),
  };
}

/** For people. */
export function comparedText(comparison: Comparison, on: string, measured: MeasuredRuns = new Map()): string {
  const where =
    on === 'validation' ? 'the validation pictures that chose it, which flatters (--data measures others)' : on;
  return [
    `Each run's best epoch, on ${where}; mean ± deviation over ${comparison.over.join(', ')}`,
    '',
    comparisonText(comparison),
    ...deviationLines(measured),
  ].join('\n');
}

/** Each deviation once; with the runs that it is of, where it is not of all. */
function deviationLines(measured: MeasuredRuns): string[] {
  if (measured.size === 0) return [];
  const runsOf = new Map<string, string[]>();
  for (const [{ path }, { protocol }] of measured) {
    for (const sentence of protocol.deviations) runsOf.set(sentence, [...(runsOf.get(sentence) ?? []), path]);
  }
  if (runsOf.size === 0) return ['', 'Deviations from plain top-1: none'];
  const lines = [...runsOf].map(([sentence, paths]) =>
    paths.length === measured.size ? sentence : `${sentence} (${paths.join(', ')})`,
  );
  return ['', 'Deviations from plain top-1:', ...lines.map((line) => `  ${printable(line, 500)}`)];
}
