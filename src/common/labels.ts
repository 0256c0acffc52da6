/** The classes of a dataset or of a checkpoint, in index order. It travels with both. */
export interface LabelSet {
  readonly name: string;
  readonly labels: readonly string[];
}
