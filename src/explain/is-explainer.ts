/**
 * Whether a value has what `loadExplainer` gives. In a file of its own: a page that has its explainers in a worker needs no network for
 * it.
 */
export const isExplainer = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && 'explain' in value && 'description' in value;
