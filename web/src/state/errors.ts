/** The sentence of anything thrown: those of the package are made for people. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
