import { accuracy, type ConfusionMatrix, meanClassAccuracy } from './evaluation.js';

/** Fractions; null where there are no pictures. */
export interface CorruptedFigures {
  readonly accuracy: number | null;
  readonly meanClassAccuracy: number | null;
}

/** Figures under one corruption, from the weakest strength to the strongest. */
export interface CorruptedRow {
  /** Name of the corruption. */
  readonly name: string;
  /** What strengths count. */
  readonly unit: string;
  readonly strengths: readonly (CorruptedFigures & { readonly strength: number })[];
  /** Over the strengths. */
  readonly mean: CorruptedFigures;
}

/** How a network does on pictures that are worse than the dataset's. */
export interface Robustness {
  /** The pictures as they are. */
  readonly clean: CorruptedFigures;
  readonly corruptions: readonly CorruptedRow[];
  /** For each of the strengths, over all corruptions. */
  readonly strengths: readonly CorruptedFigures[];
  /** Over all corruptions and strengths. */
  readonly mean: CorruptedFigures;
}

/** What was counted under one corruption. */
export interface CorruptedCounts {
  readonly name: string;
  readonly unit: string;
  readonly strengths: readonly { readonly strength: number; readonly confusion: ConfusionMatrix }[];
}

/** @param counts as many strengths for each corruption */
export function robustnessOf(clean: ConfusionMatrix, counts: readonly CorruptedCounts[]): Robustness {
  const corruptions = counts.map(({ name, unit, strengths }): CorruptedRow => {
    const figures = strengths.map(({ strength, confusion }) => ({ strength, ...figuresOf(confusion) }));
    return { name, unit, strengths: figures, mean: meanOf(figures) };
  });
  const levels = Math.max(0, ...counts.map(({ strengths }) => strengths.length));
  return {
    clean: figuresOf(clean),
    corruptions,
    strengths: Array.from({ length: levels }, (_, s) => meanOf(corruptions.flatMap((row) => row.strengths[s] ?? []))),
    mean: meanOf(corruptions.flatMap(({ strengths }) => strengths)),
  };
}

const figuresOf = (matrix: ConfusionMatrix): CorruptedFigures => ({
  accuracy: accuracy(matrix),
  meanClassAccuracy: meanClassAccuracy(matrix),
});

function meanOf(all: readonly CorruptedFigures[]): CorruptedFigures {
  const mean = (figure: keyof CorruptedFigures): number | null => {
    const values = all.flatMap((one) => one[figure] ?? []);
    return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
  };
  return { accuracy: mean('accuracy'), meanClassAccuracy: mean('meanClassAccuracy') };
}
