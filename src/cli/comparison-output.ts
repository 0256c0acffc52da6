import { type Comparison, comparisonText, settingNamed } from '../node/report/index.js';

/** For programs. @param on what was measured on; `validation`: the pictures that chose the best epoch */
export function comparisonDocument(comparison: Comparison, on: string): object {
  return {
    on,
    ...comparison,
    groups: comparison.groups.map(({ runs, ...group }) => ({
      ...group,
      runs: runs.map(({ run: { path, best, epochs, planned }, settings, figures }) => ({
        run: path,
        ...Object.fromEntries(comparison.over.map((name) => [name, settingNamed(settings, name) ?? null])),
        epochs: epochs.length,
        planned: planned ?? null,
        bestEpoch: best?.epoch ?? null,
        figures,
      })),
    })),
  };
}

/** For people. */
export function comparedText(comparison: Comparison, on: string): string {
  const where =
    on === 'validation' ? 'the validation pictures that chose it, which flatters (--data measures others)' : on;
  return [
    `Each run's best epoch, on ${where}; mean ± deviation over ${comparison.over.join(', ')}`,
    '',
    comparisonText(comparison),
  ].join('\n');
}
