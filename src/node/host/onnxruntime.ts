import { isMainThread } from 'node:worker_threads';
import type { OrtModule } from '../../host/host.js';

/**
 * From 1.30 on, ONNX Runtime's builds tell Microsoft about processor, system and models, and keep a queue in the user's cache
 * folder, unless this is set before they are loaded. Whoever wants that sets it to 0, and lives with a crash: telemetry searches
 * the command line by a matcher that calls itself for each character, and 30 KB of names (*.jpg) overflow its stack.
 * @returns whether nothing had been set before
 */
export function switchTelemetryOff(): boolean {
  const setting = process.env['ORT_DISABLE_TELEMETRY'];
  process.env['ORT_DISABLE_TELEMETRY'] ??= '1';
  return setting === undefined;
}

/** `onnxruntime-node`, without its telemetry and its lines on standard error. */
export async function loadOrt(): Promise<OrtModule> {
  if (switchTelemetryOff() && !isMainThread) {
    process.emitWarning(
      "ONNX Runtime's telemetry cannot be switched off from within a worker thread, whose environment is a copy. Set " +
        'ORT_DISABLE_TELEMETRY=1 before the process starts, or in the main thread before the worker does.',
    );
  }
  const ort = await import('onnxruntime-node');
  // What it would write before a session is there, such as of a library that CUDA lacks, is in the error too.
  if (ort.env.logLevel === 'warning') ort.env.logLevel = 'fatal';
  return ort;
}
