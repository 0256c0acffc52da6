import { stringify } from 'csv-stringify/browser/esm/sync';

/** A table as the command line writes it: what a spreadsheet would take for a formula is kept from it. */
export const csvOf = (rows: readonly (readonly (string | number)[])[]): Blob =>
  new Blob([stringify([...rows.map((row) => [...row])], { escape_formulas: true })], { type: 'text/csv' });
