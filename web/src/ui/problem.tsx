import type { ComponentChildren } from 'preact';
import { Icon } from './icon.js';

interface ProblemProps {
  /** What is wrong, in a few words. */
  readonly title: string;
  /** The sentence that says what to do. */
  readonly children: ComponentChildren;
  /** Buttons. */
  readonly actions?: ComponentChildren;
  /** For those who can mend it. */
  readonly detail?: string | undefined;
}

/** Something did not work: what, and the way on. */
export function Problem({ title, children, actions, detail }: ProblemProps) {
  return (
    <div class="problem" role="alert">
      <Icon name="warning" />
      <div class="problem-body">
        <p class="problem-title">{title}</p>
        <p class="problem-text">{children}</p>
        {detail === undefined ? null : (
          <details class="problem-detail">
            <summary>What exactly</summary>
            <p class="problem-text">{detail}</p>
          </details>
        )}
        {actions === undefined ? null : <div class="actions">{actions}</div>}
      </div>
    </div>
  );
}
