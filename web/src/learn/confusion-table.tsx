interface ConfusionTableProps {
  readonly labels: readonly string[];
  /** Rows are what a picture shows, columns what was answered. */
  readonly confusion: readonly (readonly number[])[];
}

/** Which classes are taken for which, of the pictures that were kept to measure with. */
export function ConfusionTable({ labels, confusion }: ConfusionTableProps) {
  // Classes without pictures, and that were never answered, say nothing.
  const shown = labels.flatMap((label, k) => {
    const isThere = confusion[k]?.some((count) => count > 0) === true || confusion.some((row) => (row[k] ?? 0) > 0);
    return isThere ? [{ label, k }] : [];
  });
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
          {shown.map(({ label, k: row }) => {
            const counts = shown.map(({ k }) => ({ k, count: confusion[row]?.[k] ?? 0 }));
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
