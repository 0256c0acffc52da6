/** What a file says about itself; null where it does not. */
export interface Probed {
  /** Frames a second, as a fraction; null also where they come at varying times. */
  readonly rate: { readonly text: string; readonly value: number } | null;
  /** When it ends, in seconds on its own clock. */
  readonly end: number | null;
  /** The end is that of the pictures, not only that of the file, whose sound may be longer. */
  readonly promised: boolean;
}
