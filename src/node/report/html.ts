import { entryOf, itemAt } from '../../common/item-at.js';
import { darkRules } from './charts/theme.js';

/** Text that is HTML already. Everything else is escaped when it becomes part of a page. */
export class Html {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

const entities: ReadonlyMap<string, string> = new Map([
  ['&', '&amp;'],
  ['<', '&lt;'],
  ['>', '&gt;'],
  ['"', '&quot;'],
  ["'", '&#39;'],
]);

const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (character) => entryOf(entities, character));

type Part = string | number | Html | readonly Html[];

/** A template of HTML: strings and numbers put into it are escaped, pieces of HTML are not. */
export function html(texts: TemplateStringsArray, ...parts: readonly Part[]): Html {
  const piece = (part: Part): string => {
    if (part instanceof Html) return part.text;
    if (typeof part === 'string' || typeof part === 'number') return escapeHtml(String(part));
    return part.map(({ text }) => text).join('');
  };
  return new Html(texts.map((text, i) => text + (i < parts.length ? piece(itemAt(parts, i)) : '')).join(''));
}

export interface TableOptions {
  /** Columns of text, flush left; the others hold numbers. The first one always is. */
  readonly text?: readonly number[];
  /** Rows to stand out, counted from 0. */
  readonly marked?: readonly number[];
}

export function htmlTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  { text = [], marked = [] }: TableOptions = {},
): Html {
  const kind = (column: number): Html => new Html(column === 0 || text.includes(column) ? '' : ' class="n"');
  const header = head.map((cell, c) => html`<th${kind(c)}>${cell}</th>`);
  const body = rows.map((row, r) => {
    const cells = row.map((cell, c) => html`<td${kind(c)}>${cell}</td>`);
    return html`<tr${new Html(marked.includes(r) ? ' class="marked"' : '')}>${cells}</tr>\n`;
  });
  return html`<table><thead><tr>${header}</tr></thead><tbody>\n${body}</tbody></table>`;
}

/** Colours by what they are for, on light and on dark screens. */
const light = {
  paper: '#fff',
  ink: '#1f2328',
  faint: '#5b6068',
  line: '#e6e8eb',
  soft: '#f3f5f7',
  mark: '#eef5fb',
} as const;
const dark: Readonly<Record<keyof typeof light, string>> = {
  paper: '#14171c',
  ink: '#e6e9ed',
  faint: '#a3abb5',
  line: '#2c323a',
  soft: '#22272e',
  mark: '#1b2a3a',
};
const declarations = (colours: Readonly<Record<string, string>>): string =>
  Object.entries(colours)
    .map(([name, value]) => `--${name}: ${value};`)
    .join(' ');
const colour = (name: keyof typeof light): string => `var(--${name})`;

const style = `
:root { color-scheme: light dark; ${declarations(light)} }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2.5rem 1.5rem 4rem; max-width: 76rem; background: ${colour('paper')}; color: ${colour('ink')};
  font: 15px/1.5 Inter, system-ui, 'Segoe UI', 'Helvetica Neue', Arial, 'Liberation Sans', sans-serif; }
h1 { margin: 0; font-size: 1.7rem; line-height: 1.25; overflow-wrap: anywhere; }
h2 { margin: 2.8rem 0 .8rem; padding-bottom: .3rem; border-bottom: 1px solid ${colour('line')}; font-size: 1.15rem; }
h3 { margin: 1.6rem 0 .4rem; font-size: 1rem; }
p { margin: .5rem 0; max-width: 52rem; overflow-wrap: anywhere; }
.faint { color: ${colour('faint')}; }
pre { white-space: pre-wrap; font-size: .82rem; overflow-wrap: anywhere; }
.figures { display: flex; flex-wrap: wrap; gap: .9rem; margin: 1.5rem 0 0; padding: 0; }
.figures div { min-width: 8rem; padding: .7rem 1rem; border: 1px solid ${colour('line')}; border-radius: 8px; }
.figures dt { color: ${colour('faint')}; font-size: .82rem; }
.figures dd { margin: 0; font-size: 1.45rem; font-weight: 600; font-variant-numeric: tabular-nums; }
.row { display: flex; flex-wrap: wrap; align-items: flex-start; gap: .5rem 1rem; }
.grid { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(15rem, 100%), 1fr)); gap: .5rem 1rem; }
figure { margin: 0 0 0 -16px; overflow-x: auto; max-width: calc(100% + 16px); }
svg { display: block; }
.scroll { overflow-x: auto; max-width: 100%; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .28rem .9rem .28rem 0; text-align: left; vertical-align: top; border-bottom: 1px solid ${colour('line')}; }
th { color: ${colour('faint')}; font-weight: 500; font-size: .85rem; vertical-align: bottom; }
.n { text-align: right; white-space: nowrap; }
td:not(.n) { min-width: 6rem; overflow-wrap: anywhere; }
.marked td { font-weight: 600; background: ${colour('mark')}; }
code { padding: .1rem .3rem; border-radius: 4px; background: ${colour('soft')}; font-size: .9em; overflow-wrap: anywhere; }
@media (max-width: 40rem) { body { padding: 1.2rem 1rem 3rem; } .figures { gap: .5rem; } .figures div { min-width: 0; padding: .5rem .7rem; }
  .figures dd { font-size: 1.15rem; } }
@media print { body { padding: 0; } h2, h3 { break-after: avoid; } tr, figure { break-inside: avoid; } }
@media screen and (prefers-color-scheme: dark) {
:root { ${declarations(dark)} }
${darkRules}
}
`;

/**
 * A whole document that needs nothing else: style and pictures are in it, and its policy forbids scripts and everything
 * that a browser would have to fetch.
 */
export function htmlPage(title: string, body: Html): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>${new Html(style)}</style>
</head>
<body>
${body}
</body>
</html>
`.text;
}
