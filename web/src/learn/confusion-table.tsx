interface ConfusionTableProps {
  readonly labels: readonly string[];
  /** Rows are what a picture shows, columns what was answered. */
  readonly confusion: readonly (readonly number[])[];
}

/** Which classes are taken for which, of the pictures that were kept to measure with. */
export function ConfusionTable({ labels, confusion }: ConfusionTableProps) {
  // Classes without pictures, and that were never answered, say nothing.
  const present = new Set(confusion.flatMap((row, i) => row.flatMap((count, k) => (count > 0 ? [i, k] : []))));
  const shown = labels.flatMap((label, k) => (present.has(k) ? [{ label, k }] : []));
  const rows = confusion
    .filter((_, i) => present.has(i))
    .map((row) => row.flatMap((count, k) => (present.has(k) ? [{ k, count }] : [])));
  return (
    <div class="confusion">
      <table class="confusion-table">
        <caption class="hint">A row for what a picture shows, a column for the answer</caption>
        <thead>
          <tr>
            <td />
            {shown.map(({ label, k }) => (
              <th key={k} scope="col" title={label}>
                <span class="confusion-label">{label}</span>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {shown.map(({ label, k: row }, i) => {
            const counts = rows.slice(i, i + 1).flat();
            const sum = Math.max(
              1,
              counts.reduce((all, { count }) => all + count, 0),
            );
            return (
              <tr key={row}>
                <th scope="row" title={label}>
                  <span class="confusion-label">{label}</span>
                </th>
                {counts.map(({ k, count }) => (
                  <td
                    key={k}
                    class={k === row ? 'confusion-right' : 'confusion-wrong'}
                    style={{ '--share': `${Math.round((70 * count) / sum)}%` }}
                  >
                    {count}
                  </td>
                ))}
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}
