import type { ComponentChildren } from 'preact';
import { Icon, type IconName } from './icon.js';

interface ButtonProps {
  readonly children: ComponentChildren;
  readonly onClick: () => void;
  /** One `primary` a view; `quiet` has no ground. */
  readonly kind?: 'primary' | 'secondary' | 'quiet' | 'danger';
  readonly icon?: IconName;
  readonly disabled?: boolean;
  /** A click may disable it: the focus, which would be at the top of the page then, stays on it. */
  readonly staysFocused?: boolean;
  /** For a button that switches: whether it is on. */
  readonly pressed?: boolean;
}

export function Button(props: ButtonProps) {
  const { children, onClick, kind = 'secondary', icon, disabled = false, staysFocused = false, pressed } = props;
  return (
    <button
      type="button"
      class={`button button-${kind}`}
      onClick={disabled ? undefined : onClick}
      disabled={disabled && !staysFocused}
      aria-disabled={disabled && staysFocused ? true : undefined}
      aria-pressed={pressed}
    >
      {icon === undefined ? null : <Icon name={icon} />}
      <span>{children}</span>
    </button>
  );
}

interface IconButtonProps {
  readonly icon: IconName;
  /** What it does, for screen readers and as a hint. */
  readonly label: string;
  readonly onClick: () => void;
}

export function IconButton({ icon, label, onClick }: IconButtonProps) {
  return (
    <button type="button" class="button button-icon" onClick={onClick} aria-label={label} title={label}>
      <Icon name={icon} />
    </button>
  );
}
