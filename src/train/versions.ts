import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

/** What a run was made with, for the record. */
export function versions(): Record<string, string> {
  const require = createRequire(import.meta.url);
  const versionOf = (path: string): string => {
    const parsed: unknown = JSON.parse(readFileSync(path, 'utf8'));
    return typeof parsed === 'object' && parsed !== null && 'version' in parsed ? String(parsed.version) : 'unknown';
  };
  return {
    'poster-v2': versionOf(fileURLToPath(new URL('../../../package.json', import.meta.url))),
    'onnxruntime-node': versionOf(require.resolve('onnxruntime-node/package.json')),
    node: process.version,
  };
}
