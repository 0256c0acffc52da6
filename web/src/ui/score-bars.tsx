import { percentText } from './percent-text.js';

export interface ScoreBarsProps {
  /** From the most probable on. */
  readonly scores: readonly { readonly label: string; readonly probability: number }[];
  /** A colour for each label. */
  readonly colours: ReadonlyMap<string, string>;
  /** What the list is of, for screen readers. */
  readonly caption: string;
}

/** Labels with their probabilities as bars, a row each. */
export function ScoreBars({ scores, colours, caption }: ScoreBarsProps) {
  return (
    <ul class="score-bars" aria-label={caption}>
      {scores.map(({ label, probability }, i) => (
        <li key={label} class={i === 0 ? 'score-row score-first' : 'score-row'}>
          <span class="score-label" title={label}>
            {label}
          </span>
          <span class="score-track" aria-hidden="true">
            <span class="score-fill" style={{ width: `${100 * probability}%`, background: colours.get(label) }} />
          </span>
          <span class="score-value">{percentText(probability)}</span>
        </li>
      ))}
    </ul>
  );
}
