import type { ComponentChildren } from 'preact';
import { Icon, type IconName } from './icon.js';

interface ButtonProps {
  readonly children: ComponentChildren;
  readonly onClick: () => void;
  /** One `primary` a view; `quiet` has no ground. */
  readonly kind?: 'primary' | 'secondary' | 'quiet' | 'danger';
  readonly icon?: IconName;
  readonly disabled?: boolean;
  /** For a button that switches: whether it is on. */
  readonly pressed?: boolean;
}

export function Button({ children, onClick, kind = 'secondary', icon, disabled = false, pressed }: ButtonProps) {
  return (
    <button type="button" class={`button button-${kind}`} onClick={onClick} disabled={disabled} aria-pressed={pressed}>
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
