import { execFileSync } from 'node:child_process';
import { delimiter } from 'node:path';

/** The versions of Node that the README names. */
const supported = ['22', '24'];

/**
 * Executables of Node by major version: the one that runs the tests, and those that POSTER_NODES lists as PATH does.
 */
export const nodes: ReadonlyMap<string, string> = new Map(
  [process.execPath, ...(process.env['POSTER_NODES'] ?? '').split(delimiter).filter((path) => path !== '')].map(
    (path) => [execFileSync(path, ['-p', 'process.versions.node.split(".")[0]'], { encoding: 'utf8' }).trim(), path],
  ),
);

/** A version to test, and why it cannot be tested here; false where it can. */
export interface NodeVersion {
  readonly version: string;
  readonly path: string;
  readonly skip: string | false;
}

/** The supported versions of Node. */
export const supportedNodes: readonly NodeVersion[] = supported.map((version) => {
  const path = nodes.get(version);
  return path === undefined
    ? { version, path: '', skip: `Node ${version} is not here; POSTER_NODES names executables, as .ci/run does` }
    : { version, path, skip: false };
});
