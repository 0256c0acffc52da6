import { textWidth } from '../../../draw/text-width.js';

/** What Vega lets programs replace: how wide it takes a text to be. Its own estimate, 0.8 of the size a letter, leaves a third blank. */
interface TextMetrics {
  width: (item: TextItem, text: unknown) => number;
}

interface TextItem {
  readonly fontSize?: number;
  readonly fontWeight?: number | string;
}

function widthOf({ fontSize = 11, fontWeight }: TextItem, text: unknown): number {
  const bold = fontWeight === 'bold' || Number(fontWeight) >= 600;
  return typeof text === 'string' || typeof text === 'number' ? textWidth(String(text), fontSize, bold) : 0;
}

let users = 0;
let own: TextMetrics['width'] = widthOf;

/**
 * Does some work with our widths in place. They are put back after it, since programs may use Vega themselves.
 * @param vega the module
 */
export async function withTextMetrics<Result>(vega: object, work: () => Promise<Result>): Promise<Result> {
  const metrics = 'textMetrics' in vega ? vega.textMetrics : undefined;
  if (!isTextMetrics(metrics)) return work();
  if (users++ === 0) own = metrics.width;
  metrics.width = widthOf;
  try {
    return await work();
  } finally {
    users -= 1;
    if (users === 0) metrics.width = own;
  }
}

const isTextMetrics = (value: unknown): value is TextMetrics =>
  typeof value === 'object' && value !== null && 'width' in value && typeof value.width === 'function';
