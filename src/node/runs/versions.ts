import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { promisify } from 'node:util';
import { packageFile } from '../files/package-files.js';
import { programUrl } from '../files/program-url.js';

/** What a run was made with, for the record. */
export function versions(): Record<'poster-v2' | 'onnxruntime-node' | 'node', string> {
  const require = createRequire(programUrl());
  const versionOf = (path: string): string => {
    const parsed: unknown = JSON.parse(readFileSync(path, 'utf8'));
    return typeof parsed === 'object' && parsed !== null && 'version' in parsed ? String(parsed.version) : 'unknown';
  };
  return {
    'poster-v2': versionOf(packageFile('package.json')),
    'onnxruntime-node': versionOf(require.resolve('onnxruntime-node/package.json')),
    node: process.version,
  };
}

/** Which sources of this program are at work. */
export interface Commit {
  readonly commit: string;
  /** Whether tracked files differ from the commit. */
  readonly dirty: boolean;
}

/** The commit of the clone that this program lies in; null for an installed package, or without git. */
export async function programCommit(folder = packageFile('')): Promise<Commit | null> {
  // Optional locks would get in the way of a git at work in the same clone.
  const git = async (...args: string[]): Promise<string> =>
    (await promisify(execFile)('git', ['--no-optional-locks', '-C', folder, ...args], { timeout: 10_000 })).stdout;
  try {
    const [top = '', commit = ''] = (await git('rev-parse', '--show-toplevel', 'HEAD')).split('\n');
    // A package within node_modules of somebody's clone is no part of that clone.
    if ((await realpath(top)) !== (await realpath(folder))) return null;
    return { commit, dirty: (await git('status', '--porcelain', '--untracked-files=no')).trim() !== '' };
  } catch {
    return null;
  }
}

let own: Promise<Commit | null> | undefined;

/** The commit of this program, asked for once: it does not change while the program runs. */
export function ownCommit(): Promise<Commit | null> {
  own ??= programCommit();
  return own;
}
