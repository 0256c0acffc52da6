import { once } from 'node:events';
import { Command, Option } from 'commander';
import * as z from 'zod';
import { openBrowser, servePage } from '../../node/page/index.js';
import { numberOf } from '../arguments.js';
import { note, writeText } from '../context.js';
import { stopOnSignals } from '../interrupt.js';

interface PageOptions {
  readonly port: number;
  readonly host: string;
  readonly open: boolean;
}

export function pageCommand(): Command {
  return new Command('page')
    .description('open a page that recognises expressions in pictures, videos and the camera, in the browser')
    .addOption(
      new Option('--port <number>', 'port; 0: any free one')
        .argParser(numberOf(z.int().min(0).max(65535)))
        .default(7860),
    )
    .option('--host <address>', 'which machines may open it: 127.0.0.1 this one, 0.0.0.0 all', '127.0.0.1')
    .option('--no-open', 'do not open a browser')
    .addHelpText(
      'after',
      `
Everything is computed in the browser. Pictures do not leave it, not even for this command. Ctrl-C ends it.
For a host of your own, see docs/page.md.`,
    )
    .action(page);
}

async function page({ port, host, open }: PageOptions): Promise<void> {
  const server = await servePage({ host, port });
  await writeText(`${server.url}\n`);
  if (open && !(await openBrowser(server.url))) note('No browser was found: open the address yourself.');
  const stop = stopOnSignals('Closing the page.');
  try {
    if (!stop.signal.aborted) await once(stop.signal, 'abort');
  } finally {
    stop.release();
    await server.close();
  }
}
