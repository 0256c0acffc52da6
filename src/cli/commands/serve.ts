import { Command, Option } from 'commander';
import { defined } from '../../common/defined.js';
import { messageOf } from '../../common/errors.js';
import type { LowContrast } from '../../image/contrast.js';
import { bundledCheckpoint, requireBundledCheckpoint } from '../../node/host/bundled-weights.js';
import {
  type CheckpointOptions,
  lowContrastOption,
  preferOption,
  rawOption,
  withCheckpointOptions,
} from '../checkpoint-options.js';
import { note, noteLines } from '../context.js';
import { openDevice } from '../open-device.js';
import { givenSettings, settingLines, withServeSettings } from '../serve-settings.js';

interface ServeCommandOptions extends CheckpointOptions {
  readonly aligned?: boolean;
  readonly flip?: boolean;
  readonly lowContrast: LowContrast;
}

export function serveCommand(): Command {
  const command = new Command('serve')
    .description('recognise expressions over HTTP, for other programs')
    .addOption(
      new Option('--checkpoint <path>', 'weights: a file, or a folder that holds them').default(
        bundledCheckpoint(),
        'bundled poster-v2-nano',
      ),
    )
    .option('--aligned', 'the pictures already are face crops, brow to chin: do not detect faces')
    .option('--flip', 'average over each face and its mirror image: a little more accurate, slower')
    .addOption(lowContrastOption('stretch'))
    .addOption(rawOption())
    .addOption(preferOption());
  return withServeSettings(withCheckpointOptions(command))
    .addHelpText(
      'after',
      `
The page of the package is at /, a description for programs at /docs. Listens at once; /readyz says when the networks are loaded. SIGTERM or Ctrl-C finishes requests in progress, then stops. SIGHUP reads
the file of keys again. Options take precedence over environment variables, and these over the file of --config.

Examples:
  poster serve
  poster serve --host 0.0.0.0 --key-file keys.txt
  curl -T photo.jpg -H 'content-type: image/jpeg' http://127.0.0.1:8080/v1/recognize -X POST`,
    )
    .action(run);
}

async function run(options: ServeCommandOptions, command: Command): Promise<void> {
  const settings = await givenSettings(command);
  const { serve } = await import('../../node/serve/serve.js');
  const { checkpoint, model, labels, threads, device, aligned = false, flip = false, lowContrast } = options;
  const { raw, prefer } = options;
  const server = await serve({
    ...settings,
    recognizer: {
      checkpoint: checkpoint === bundledCheckpoint() ? await requireBundledCheckpoint() : checkpoint,
      device: await openDevice(device),
      ...{ aligned, flip, lowContrast, assumed: defined({ model, labels }) },
      ...defined({ threads, raw, prefer }),
    },
  });
  noteLines(`Settings:\n${settingLines(settings)}`);
  note(`Listening at ${server.url}; loading the networks.`);
  const stopped = new Promise<void>((resolve, reject) => {
    const stop = (): void => {
      note('Stopping: requests in progress are answered first.');
      server.close().then(resolve, reject);
    };
    for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, stop);
  });
  const reload = (): void => {
    if (settings.keyFile === undefined) {
      note('There is no file of keys to read again; --key-file names one.');
      return;
    }
    server.reloadKeys().then(
      () => note('The keys were read again.'),
      (error: unknown) => note(`poster: ${messageOf(error)}`),
    );
  };
  process.on('SIGHUP', reload);
  try {
    await server.ready.then(() => note(`Ready: ${server.url}/docs says how to ask.`));
  } catch (error) {
    await server.close();
    throw error;
  }
  await stopped;
  process.off('SIGHUP', reload);
}
