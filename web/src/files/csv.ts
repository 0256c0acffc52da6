import { stringify } from 'csv-stringify/browser/esm/sync';
import { inTurns } from './turns.js';

type Row = readonly (string | number)[];

/** A table as the command line writes it: what a spreadsheet would take for a formula is kept from it. */
export async function csvOf<T>(head: Row, items: readonly T[], rowsOf: (item: T) => readonly Row[]): Promise<Blob> {
  const text = (rows: readonly Row[]): string => stringify([...rows.map((row) => [...row])], { escape_formulas: true });
  const parts = await inTurns(items, (item) => text(rowsOf(item)));
  return new Blob([text([head]), ...parts], { type: 'text/csv' });
}
