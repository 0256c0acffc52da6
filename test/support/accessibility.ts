import axe from 'axe-core';
import type { Page } from 'playwright-core';

const everything: axe.RunOptions = { resultTypes: ['violations'] };
/** The rules that look at colours. */
const colours: axe.RunOptions = { ...everything, runOnly: ['color-contrast', 'link-in-text-block'] };

/**
 * What axe finds wrong in the state that is shown. The dark scheme has other colours, and is the same otherwise
 * (web/src/styles/tokens.css): there the rest is not looked at again.
 */
export async function accessibilityFaults(page: Page, colorScheme: 'light' | 'dark'): Promise<string[]> {
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(axe.source);
  const { violations } = await page.evaluate(
    (options) => axe.run(options),
    colorScheme === 'dark' ? colours : everything,
  );
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
}
