interface ProgressProps {
  readonly label: string;
  /** In [0, 1]; undefined: nobody knows. */
  readonly share: number | undefined;
}

export function Progress({ label, share }: ProgressProps) {
  return (
    <div class="progress">
      <span class="progress-label">{label}</span>
      <progress class="progress-bar" aria-label={label} max={1} {...(share === undefined ? {} : { value: share })} />
    </div>
  );
}
