import { defined } from '../../common/defined.js';
import type { Evaluated } from './evaluate.js';

/** One checkpoint, measured. */
export interface Measurement {
  readonly checkpoint: string;
  /** Name of the network. */
  readonly model: string;
  /** Folder of the dataset. */
  readonly data: string;
  readonly result: Evaluated;
}

/** A measurement for programs. */
export function evaluationDocument({ checkpoint, model, data, result }: Measurement): object {
  const { split, labels, evaluation, votes, uncalibrated, skipped, protocol, order, warnings, note, robustness } =
    result;
  return {
    checkpoint,
    model,
    data,
    split,
    labels,
    ...defined<Pick<Evaluated, 'note'>>({ note }),
    protocol: { checkpoint, ...protocol },
    order,
    warnings,
    ...evaluation,
    votes,
    uncalibrated,
    ...defined<Pick<Evaluated, 'robustness'>>({ robustness }),
    skipped: skipped.map(({ path, reason }) => ({ path, reason })),
  };
}
