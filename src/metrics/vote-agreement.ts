import { crossEntropy } from './evaluation.js';
import { logSoftmax } from './log-softmax.js';
import { type Scores, sampleCount } from './predictions.js';
import { rankCorrelation } from './rank-correlation.js';

/** How a network's probabilities agree with the votes of the people who labelled the pictures. Null without pictures. */
export interface VoteAgreement {
  /** Pictures that have votes. */
  readonly samples: number;
  /** Mean cross-entropy of the probabilities to the shares of the votes, in nats. */
  readonly crossEntropy: number | null;
  /** Mean Kullback-Leibler divergence from the probabilities to the shares: the cross-entropy beyond the votes' own entropy. */
  readonly divergence: number | null;
  /**
   * Spearman's rank correlation of the entropy of the probabilities with that of the votes: whether the network is unsure
   * where people disagree, in [-1, 1]; null also where one of them is the same for all pictures.
   */
  readonly entropyCorrelation: number | null;
}

/** @param votes shares that sum to 1, in the layout of the logits */
export function voteAgreement(votes: Scores, logits: Scores): VoteAgreement {
  const samples = sampleCount(logits);
  const loss = crossEntropy(votes, logits);
  const ofVotes = rowsOf(votes).map((shares) => entropy(Array.from(shares)));
  const ofNetwork = rowsOf(logits).map((row) => entropy(logSoftmax(row).map(Math.exp)));
  const own = ofVotes.reduce((sum, value) => sum + value, 0) / samples;
  return {
    samples,
    crossEntropy: loss,
    divergence: loss === null ? null : loss - own,
    entropyCorrelation: rankCorrelation(ofNetwork, ofVotes),
  };
}

function rowsOf({ classes, data }: Scores): Float32Array[] {
  return Array.from({ length: data.length / classes }, (_, i) => data.subarray(i * classes, (i + 1) * classes));
}

/** In nats. */
function entropy(shares: readonly number[]): number {
  return shares.reduce((sum, share) => (share > 0 ? sum - share * Math.log(share) : sum), 0);
}
