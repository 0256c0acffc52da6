import type { AttentionDirection } from '../models/index.js';
import type { Score } from '../recognize/scores.js';
import type { AttentionMap, ClassTokenAttention, TokenWeights } from './attention-maps.js';
import type { Explanation } from './explain.js';

/** A map as rows of columns. */
type MapDocument = readonly (readonly number[])[];

export interface TokenWeightsDocument {
  readonly itself: number;
  readonly scales: readonly MapDocument[];
  readonly all: MapDocument;
}

export interface ExplanationDocument {
  readonly expression: string | null;
  readonly scores: readonly Score[];
  readonly target: string;
  readonly direction: AttentionDirection;
  readonly scales: readonly {
    readonly scale: number;
    readonly side: number;
    readonly share: number;
    readonly attention: MapDocument;
    readonly relevance: MapDocument;
  }[];
  /** Null for a network without a class token. */
  readonly classToken: Readonly<Record<'attention' | 'rollout' | 'relevance', TokenWeightsDocument>> | null;
}

/** The numbers of an explanation as programs read them, plain JSON: maps as rows of columns, six digits. */
export function explanationDocument(explanation: Explanation): ExplanationDocument {
  const { scores, target, direction, scales, classToken } = explanation;
  return {
    expression: scores[0]?.label ?? null,
    scores,
    target,
    direction,
    scales: scales.map((one) => ({
      scale: one.scale,
      side: one.attention.side,
      share: rounded(one.share),
      attention: rows(one.attention),
      relevance: rows(one.relevance),
    })),
    classToken: classToken === undefined ? null : classTokenDocument(classToken),
  };
}

function classTokenDocument({ attention, rollout, relevance }: ClassTokenAttention): ExplanationDocument['classToken'] {
  return { attention: tokens(attention), rollout: tokens(rollout), relevance: tokens(relevance) };
}

function tokens({ itself, scales, all }: TokenWeights): TokenWeightsDocument {
  return { itself: rounded(itself), scales: scales.map(rows), all: rows(all) };
}

const rounded = (value: number): number => Number(value.toPrecision(6));

function rows({ side, values }: AttentionMap): number[][] {
  return Array.from({ length: side }, (_, y) => Array.from(values.subarray(y * side, (y + 1) * side), rounded));
}
