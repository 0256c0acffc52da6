/** How much of a file has been fetched. */
export interface LoadProgress {
  /** Its name, such as `poster-v2-nano.safetensors`. */
  readonly file: string;
  /** Bytes that are there. */
  readonly loaded: number;
  /** Bytes that it has; undefined where the server does not say. */
  readonly total: number | undefined;
}

export interface ProgressOptions {
  /** Is told of files while they are fetched, which only browsers do: at their first bytes, at more of them, at the last. */
  readonly onProgress?: (progress: LoadProgress) => void;
}
