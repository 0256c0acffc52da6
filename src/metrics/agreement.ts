import { calibration } from './calibration.js';
import { crossEntropy } from './evaluation.js';
import type { Scores } from './predictions.js';
import { type VoteAgreement, voteAgreement } from './vote-agreement.js';

/** What the same weights say without their temperature, which changes no decision. */
export interface Uncalibrated {
  readonly temperature: number;
  /** To the labels, in nats. */
  readonly crossEntropy: number | null;
  readonly ece: number | null;
  readonly mce: number | null;
  readonly brier: number | null;
  readonly votes: VoteAgreement | null;
}

export interface Agreement {
  /** With the votes of the pictures measured that have some; null where none has, or labels had to be mapped. */
  readonly votes: VoteAgreement | null;
  /** Null where no temperature was applied. */
  readonly uncalibrated: Uncalibrated | null;
}

/** What was measured, as far as probabilities go. */
interface Answers {
  /** True classes. */
  readonly labels: readonly number[];
  readonly logits: Scores;
  readonly rawLogits?: Scores;
}

/**
 * @param votes shares of each picture, in the classes of the logits; undefined for one without
 * @param temperature that `logits` come from `rawLogits` by
 */
export function agreementOf(
  { labels, logits, rawLogits }: Answers,
  votes: readonly (Float32Array | undefined)[],
  temperature: number | undefined,
): Agreement {
  const withVotes = agreementWith(votes, logits);
  if (rawLogits === undefined || temperature === undefined) return { votes: withVotes, uncalibrated: null };
  const { ece, mce, brier } = calibration(labels, rawLogits);
  const loss = crossEntropy(labels, rawLogits);
  return {
    votes: withVotes,
    uncalibrated: {
      temperature,
      crossEntropy: Number.isFinite(loss) ? loss : null,
      ece,
      mce,
      brier,
      votes: agreementWith(votes, rawLogits),
    },
  };
}

function agreementWith(votes: readonly (Float32Array | undefined)[], { classes, data }: Scores): VoteAgreement | null {
  const voted = votes.flatMap((shares, i) => (shares === undefined ? [] : [{ shares, i }]));
  if (voted.length === 0) return null;
  const shares = new Float32Array(voted.length * classes);
  const logits = new Float32Array(voted.length * classes);
  for (const [row, one] of voted.entries()) {
    shares.set(one.shares, row * classes);
    logits.set(data.subarray(one.i * classes, (one.i + 1) * classes), row * classes);
  }
  return voteAgreement({ classes, data: shares }, { classes, data: logits });
}
