import { isMainThread } from 'node:worker_threads';
import type { OrtModule } from '../../host/host.js';

/** `onnxruntime-node`, without its telemetry. */
export function loadOrt(): Promise<OrtModule> {
  // From 1.30 on, ONNX Runtime's builds tell Microsoft about processor, system and models, and keep a queue in the user's cache
  // folder, unless this is set before they are loaded. Whoever wants that sets it to 0, and lives with a crash: telemetry searches
  // the command line by a matcher that calls itself for each character, and 30 KB of names (*.jpg) overflow its stack.
  const wish = process.env['ORT_DISABLE_TELEMETRY'];
  process.env['ORT_DISABLE_TELEMETRY'] ??= '1';
  if (wish === undefined && !isMainThread) {
    process.emitWarning(
      "ONNX Runtime's telemetry cannot be switched off from within a worker thread, whose environment is a copy. Set " +
        'ORT_DISABLE_TELEMETRY=1 before the process starts, or in the main thread before the worker does.',
    );
  }
  return import('onnxruntime-node');
}
