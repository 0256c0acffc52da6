import { itemAt } from '../../common/item-at.js';

const eighths = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'] as const;

/** A fraction in [0, 1] as a bar of up to `width` characters, in steps of an eighth of one. */
export function bar(fraction: number, width = 24): string {
  const steps = Math.round(Math.min(1, Math.max(0, fraction)) * width * 8);
  return '█'.repeat(Math.floor(steps / 8)) + itemAt(eighths, steps % 8);
}
