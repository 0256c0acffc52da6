import { printable } from '../common/printable.js';

const fonts = "'Inter','Helvetica Neue',Arial,'Liberation Sans','DejaVu Sans',sans-serif";

export interface TextStyle {
  readonly size: number;
  readonly weight?: number;
  readonly fill?: string;
}

/** A line of text in a sans serif font of the system, its left end at `x` on the base line `y`; escaped, bounded in length. */
export function svgText(
  x: number,
  y: number,
  content: string,
  { size, weight = 400, fill = '#1c1f23' }: TextStyle,
): string {
  const style = `font-family="${fonts}" font-size="${size}" font-weight="${weight}" fill="${fill}"`;
  return `<text x="${x}" y="${y}" ${style}>${escapeXml(printable(content, 150))}</text>`;
}

function escapeXml(content: string): string {
  return content.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
