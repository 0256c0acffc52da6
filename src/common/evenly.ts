/** Up to `most` of the items, evenly from first to last. */
export function evenly<T>(items: readonly T[], most: number): T[] {
  const count = Math.min(most, items.length);
  const chosen = new Set(Array.from({ length: count }, (_, i) => Math.floor((i * items.length) / count)));
  return items.filter((_, i) => chosen.has(i));
}
