/** The name of a line, to be written behind its last point. */
export interface EndLabel {
  readonly x: number;
  /** Where the line ends. */
  readonly value: number;
  readonly name: string;
  readonly colour: string;
}

/**
 * Heights for labels beside the ends of lines: as near to these as they can be while no two are closer than `gap`, in
 * the order of the ends, and within `range` where there is room. A run of labels that touch is centred on its ends.
 */
export function spreadLabels(
  ends: readonly EndLabel[],
  gap: number,
  range: readonly [low: number, high: number] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY],
): (EndLabel & { readonly y: number })[] {
  interface Run {
    readonly ends: EndLabel[];
    middle: number;
  }
  const runs: Run[] = [];
  for (const end of [...ends].sort((a, b) => a.value - b.value)) {
    let run: Run = { ends: [end], middle: end.value };
    for (;;) {
      const below = runs.at(-1);
      if (below === undefined) break;
      const reach = ((run.ends.length + below.ends.length) / 2) * gap;
      if (run.middle - below.middle >= reach) break;
      runs.pop();
      const joined = [...below.ends, ...run.ends];
      run = { ends: joined, middle: joined.reduce((sum, { value }) => sum + value, 0) / joined.length };
    }
    runs.push(run);
  }
  const free = runs.flatMap((run) =>
    run.ends.map((end, i) => ({ ...end, y: run.middle + (i - (run.ends.length - 1) / 2) * gap })),
  );
  const [low, high] = range;
  const last = free.length - 1;
  return free.map((label, i) => ({ ...label, y: Math.max(low + i * gap, Math.min(label.y, high - (last - i) * gap)) }));
}
