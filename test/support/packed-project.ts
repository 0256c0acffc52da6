import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { z } from 'zod';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../../', import.meta.url));
const lockFile = z.object({ packages: z.record(z.string(), z.object({ dev: z.boolean().optional() })) });
const manifest = z.object({
  version: z.string(),
  bin: z.object({ poster: z.string() }),
  exports: z.record(z.string(), z.unknown()),
});

/** What package.json says of the package. */
export const packageManifest = manifest.parse(JSON.parse(await readFile(join(root, 'package.json'), 'utf8')));

/** A project that has the package as others get it. */
export interface PackedProject {
  /** The project's folder; its package.json says that it is of ES modules. */
  readonly folder: string;
  /** What `npm pack` made. */
  readonly tarball: string;
  /** The unpacked package. */
  readonly installed: string;
  /** The packed command, a file. */
  readonly poster: string;
}

async function packedInto(folder: string): Promise<string> {
  if (!existsSync(join(root, packageManifest.bin.poster))) {
    await run(process.execPath, ['scripts/bundle-command.mjs'], { cwd: root });
  }
  await run('npm', ['pack', '--ignore-scripts', '--pack-destination', folder], { cwd: root });
  return join(folder, `poster-v2-${packageManifest.version}.tgz`);
}

/** What `npm install poster-v2.tgz` makes of an empty folder, from the packages that are installed here. */
export async function packedProject(): Promise<PackedProject> {
  const folder = await mkdtemp(join(tmpdir(), 'poster-package-'));
  // `npm test` has packed it; the compiler alone has not.
  const tarball = process.env['POSTER_PACKED'] ?? (await packedInto(folder));
  const installed = join(folder, 'node_modules', 'poster-v2');
  await mkdir(installed, { recursive: true });
  await run('tar', ['xzf', tarball, '-C', installed, '--strip-components=1']);
  const { packages } = lockFile.parse(JSON.parse(await readFile(join(root, 'package-lock.json'), 'utf8')));
  for (const [path, { dev = false }] of Object.entries(packages)) {
    if (dev || !/^node_modules\/(@[^/]+\/)?[^/]+$/.test(path)) continue;
    await mkdir(dirname(join(folder, path)), { recursive: true });
    // Those of other platforms are not there, and their links lead nowhere.
    await symlink(join(root, path), join(folder, path));
  }
  const poster = join(installed, packageManifest.bin.poster);
  await chmod(poster, 0o755);
  await mkdir(join(folder, 'node_modules', '.bin'));
  await symlink(poster, join(folder, 'node_modules', '.bin', 'poster'));
  await writeFile(join(folder, 'package.json'), '{ "private": true, "type": "module" }');
  return { folder, tarball, installed, poster };
}
