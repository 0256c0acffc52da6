import { increase, itemAt } from './item-at.js';

/**
 * Pairs rows with columns so that the sum of their gains is the greatest there is; pairs that gain nothing stay apart.
 * The Hungarian method with potentials, O(rows^2 (rows + columns)).
 *
 * @param gains [rows][columns]; a pair that must not be has a gain of 0 or less, or -Infinity
 * @returns for each row its column, or undefined
 */
export function assign(gains: readonly (readonly number[])[]): (number | undefined)[] {
  const rows = gains.length;
  const columns = Math.max(0, ...gains.map((row) => row.length));
  // A column of its own for each row, in which it stays alone: then every row finds a place.
  const width = columns + rows;
  // Rows may be shorter than others: there is nothing to gain beyond their end.
  const gain = (row: number, column: number): number => {
    const ofRow = itemAt(gains, row);
    return column < ofRow.length ? Math.max(0, itemAt(ofRow, column)) : 0;
  };
  const cost = (row: number, column: number): number => 0 - gain(row, column);
  const ofRow = new Float64Array(rows);
  const ofColumn = new Float64Array(width);
  const owner = new Int32Array(width).fill(-1);
  for (let start = 0; start < rows; start++) {
    const least = new Float64Array(width).fill(Number.POSITIVE_INFINITY);
    const before = new Int32Array(width).fill(-1);
    const used = new Uint8Array(width);
    let [row, column] = [start, -1];
    do {
      if (column >= 0) row = itemAt(owner, column);
      let next = -1;
      for (let j = 0; j < width; j++) {
        if (used[j] === 1) continue;
        const reduced = cost(row, j) - itemAt(ofRow, row) - itemAt(ofColumn, j);
        if (reduced < itemAt(least, j)) {
          least[j] = reduced;
          before[j] = column;
        }
        if (next < 0 || itemAt(least, j) < itemAt(least, next)) next = j;
      }
      const delta = itemAt(least, next);
      increase(ofRow, start, delta);
      for (let j = 0; j < width; j++) {
        if (used[j] === 1) {
          const i = itemAt(owner, j);
          increase(ofRow, i, delta);
          increase(ofColumn, j, -delta);
        } else {
          increase(least, j, -delta);
        }
      }
      used[next] = 1;
      column = next;
    } while (itemAt(owner, column) >= 0);
    // Each row on the way takes the column that the one after it had.
    while (column >= 0) {
      const previous = itemAt(before, column);
      owner[column] = previous >= 0 ? itemAt(owner, previous) : start;
      column = previous;
    }
  }
  const found = new Array<number | undefined>(rows).fill(undefined);
  for (let j = 0; j < columns; j++) {
    const row = itemAt(owner, j);
    if (row >= 0 && gain(row, j) > 0) found[row] = j;
  }
  return found;
}
