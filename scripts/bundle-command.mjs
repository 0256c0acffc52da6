// The command `poster` as the package has it: the same program in few files, which takes less time to start. Needs what the compiler
// made (dist/src), and leaves it as it is.
import { chmodSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { root } from './support/steps.mjs';

const out = join(root, 'dist/cli');
/** Until it is whole, the one of before stays usable. */
const made = join(root, 'dist/cli.new');
const program = join(root, 'dist/src/cli');
rmSync(made, { recursive: true, force: true });
const options = {
  absWorkingDir: root,
  bundle: true,
  // A command loads what it needs and no other command's.
  splitting: true,
  chunkNames: '[name]-[hash]',
  format: 'esm',
  platform: 'node',
  target: 'node22',
  packages: 'external',
  logLevel: 'error',
};
await build({
  ...options,
  entryPoints: [
    { in: join(program, 'main.js'), out: 'poster' },
    // Started as a program of its own, beside whoever starts it.
    { in: join(program, 'try-device.js'), out: 'try-device' },
  ],
  outdir: made,
});
// The threads and processes of `poster serve` and of recognizers, where `threadProgram` looks for them. On their own, so that they cut the command's files no smaller.
await build({
  ...options,
  entryPoints: ['workers/recognition-process.js', 'workers/recognition-worker.js', 'serve/body-worker.js'].map((file) =>
    join(root, 'dist/src/node', file),
  ),
  entryNames: '[name]',
  outdir: join(made, 'poster-threads'),
});
rmSync(out, { recursive: true, force: true });
renameSync(made, out);
// npx keeps which file the command of a clone was: before there was a bundle, the other.
for (const file of [join(out, 'poster.js'), join(program, 'main.js')]) chmodSync(file, 0o755);
// npx looks here first. Without it, it keeps a link of its own for each folder, and keeps one without a command where it was used
// before anything was built.
if (process.platform !== 'win32') {
  const link = join(root, 'node_modules/.bin/poster');
  rmSync(link, { force: true });
  symlinkSync('../../dist/cli/poster.js', link);
}
