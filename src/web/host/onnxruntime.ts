import { messageOf, UserError } from '../../common/errors.js';
import { printable } from '../../common/printable.js';
import type { OrtModule, RuntimeUse } from '../../host/host.js';
import { baseAddress } from './base-address.js';

/** Where ONNX Runtime's files are, and what else a page decides about it. */
export interface WebRuntimeOptions {
  /**
   * Address of a folder with the files of `onnxruntime-web/dist` that are used: `ort-wasm-simd-threaded.wasm` and `.mjs`; for
   * WebGPU those with `.asyncify` in their names. Relative to the page. Default: where the bundler puts them; then runs have one
   * thread, since threads need a file of their own.
   */
  readonly wasmPaths: string | URL;
}

let folder: string | undefined;
let started = false;

/**
 * Decides about ONNX Runtime, before anything is loaded.
 * @throws UserError (kind `usage`) afterwards, or for what is no address
 */
export function configureRuntime({ wasmPaths }: WebRuntimeOptions): void {
  if (started) {
    throw new UserError('ONNX Runtime has been started; call configureRuntime before anything is loaded.', 'usage');
  }
  const base = baseAddress();
  const address = String(wasmPaths);
  if (!URL.canParse(address, base)) {
    throw new UserError('wasmPaths is no address of a folder; give one such as /onnxruntime/.', 'usage');
  }
  const { href } = new URL(address, base);
  folder = href.endsWith('/') ? href : `${href}/`;
}

/** What was decided, for a worker. */
export const runtimeFolder = (): string | undefined => folder;

/**
 * `onnxruntime-web`: its build for WebAssembly, or the larger one with WebGPU.
 * @throws UserError (kind `device`) where the browser has no WebGPU, or no GPU for it; (`resources`) where the package is not there
 */
export async function loadOrt({ device, threads }: RuntimeUse): Promise<OrtModule> {
  if (device === 'webgpu') await requireAdapter();
  started = true;
  const importing = device === 'webgpu' ? import('onnxruntime-web/webgpu') : import('onnxruntime-web/wasm');
  const ort = await importing.catch((error: unknown) => {
    throw notThere(error);
  });
  const { wasm } = ort.env;
  // What a page says to ONNX Runtime itself holds.
  if (folder !== undefined) wasm.wasmPaths ??= folder;
  wasm.numThreads ??= wasm.wasmPaths === undefined ? 1 : threadsHere(threads);
  const { Tensor, env, InferenceSession } = ort;
  return { Tensor, env, InferenceSession: inTurn(InferenceSession) };
}

/** The session that is being made, or the last that was. */
let making: Promise<unknown> = Promise.resolve();

/**
 * Sessions are made one after the other: ONNX Runtime Web has one place for the weights of a session that it makes, and empties it
 * once any session is made, also that of a model without such weights.
 */
const inTurn = (sessions: OrtModule['InferenceSession']): OrtModule['InferenceSession'] => ({
  create: (model: never, options: never) => {
    const made = making.then(() => sessions.create(model, options));
    making = made.catch(() => undefined);
    return made.catch((error: unknown) => {
      throw /^no available backend found(?!.*adapter)/is.test(messageOf(error)) ? notStarted(error) : error;
    });
  },
});

/** It stands beside this package, and is forgotten: bundlers then leave an import that fails, or a module that throws. */
const notThere = (error: unknown): UserError =>
  new UserError(
    `ONNX Runtime cannot be loaded (${printable(messageOf(error))}): install onnxruntime-web beside poster-v2, build again, and serve ` +
      'all files of the build, as docs/browser.md says.',
    'resources',
    { cause: error },
  );

/** Whatever keeps the runtime's program from running, it says no more than that there is no backend. */
const notStarted = (error: unknown): UserError =>
  new UserError(
    `ONNX Runtime does not start (${printable(messageOf(error))}): its files ort-wasm-simd-threaded*.wasm and .mjs are not those of the installed ` +
      "onnxruntime-web, or the page's content security policy forbids WebAssembly; serve them as docs/browser.md says, and allow " +
      "'wasm-unsafe-eval' in script-src.",
    'resources',
    { cause: error },
  );

/** Before the runtime's largest file is fetched for nothing. */
async function requireAdapter(): Promise<void> {
  // Typed as if every browser had it.
  const gpu: GPU | undefined = navigator.gpu;
  if (gpu === undefined) {
    throw new UserError(
      'There is no WebGPU in this browser, or in a page of http:; choose the device cpu, or another browser.',
      'device',
      { settings: ['device'] },
    );
  }
  if ((await gpu.requestAdapter()) === null) {
    throw new UserError(
      "This browser gives WebGPU no graphics processor; switch on its hardware acceleration in the browser's settings, or choose the device cpu.",
      'device',
      { settings: ['device'] },
    );
  }
}

/** More threads wait for each other longer than they save. */
const mostThreads = 4;

/** Threads need memory that they share, which a page has once it is isolated from others. */
function threadsHere(wanted = mostThreads): number {
  if (!crossOriginIsolated || isIos()) return 1;
  return Math.max(1, Math.min(wanted, navigator.hardwareConcurrency, mostThreads));
}

/** Threads hang there. Tablets say that they are a Macintosh, of which none has a touch screen. */
function isIos(): boolean {
  const { userAgent, maxTouchPoints } = navigator;
  return /iPad|iPhone|iPod/.test(userAgent) || (/Macintosh/.test(userAgent) && maxTouchPoints > 1);
}
