/**
 * Closes one thing after the other, in this order. What one throws keeps no other from being closed.
 * @throws the first failure, once all are closed
 */
export async function closeAll(...closings: readonly (() => Promise<void> | undefined)[]): Promise<void> {
  const failures: unknown[] = [];
  for (const close of closings) {
    try {
      await close();
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
}
