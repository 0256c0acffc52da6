import type { InferenceSession } from 'onnxruntime-common';
import { defined } from '../common/defined.js';
import type { Graph } from '../graph/index.js';
import type { Placement } from '../onnx/index.js';
import { afterDisposal } from './after-disposal.js';
import { createSession, loadOrt } from './backend.js';
import { checkThreads } from './check-threads.js';
import { fromOrt, type HostTensor, toOrt } from './host-tensor.js';
import { writeSessionModel } from './session-model.js';

/** A file that initializers of a model point into (ONNX external data), by the name that they use. */
export interface ExternalFile {
  readonly path: string;
  readonly data: Uint8Array;
}

export interface CpuOptions {
  /** Threads of one run; default: all cores. */
  readonly threads?: number;
  /**
   * Threads spin while they wait for work, and so wake at once (default true). Threads that sleep instead leave the cores to what else
   * the process does between short runs, and to other processes: docs/results.md.
   */
  readonly spin?: boolean;
  /** Where each parameter is; default: fed at every run. */
  readonly placement?: (name: string) => Placement;
  readonly externalFiles?: readonly ExternalFile[];
  /** Absolute path of the folder in which initializers find their files; those are mapped, not read. Node only. */
  readonly externalFolder?: string;
  /** For the profiler: writes a trace beside this prefix when the session ends. */
  readonly profile?: string;
  readonly session?: InferenceSession.SessionOptions;
}

/** A graph ready to run on the CPU: host tensors in (without a copy), host tensors out. */
export class CpuSession {
  readonly #session: InferenceSession;
  #disposed = false;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];

  private constructor(session: InferenceSession) {
    this.#session = session;
    this.inputs = session.inputNames;
    this.outputs = session.outputNames;
  }

  /** @param program of ONNX operations only: see `lower(program, 'cpu')`. */
  static async create(program: Graph, options: CpuOptions = {}): Promise<CpuSession> {
    return CpuSession.load(writeSessionModel(program, options), options);
  }

  /** The same from a model's bytes. */
  static async load(model: Uint8Array, options: CpuOptions = {}): Promise<CpuSession> {
    const { threads } = options;
    checkThreads(threads);
    const ort = await loadOrt({ device: 'cpu', ...defined({ threads }) });
    const session = await createSession(ort, model, {
      executionProviders: ['cpu'],
      graphOptimizationLevel: 'all',
      // A planned block for each batch size comes on top of the arena: a third more memory, and no faster.
      enableMemPattern: false,
      logSeverityLevel: 3,
      ...defined({ intraOpNumThreads: options.threads, externalData: options.externalFiles }),
      ...(options.profile === undefined ? {} : { enableProfiling: true, profileFilePrefix: options.profile }),
      extra: { session: { ...spinning(options.spin ?? true), ...externalFolder(options.externalFolder) } },
      ...options.session,
    });
    return new CpuSession(session);
  }

  /** Runs the graph once. Blocks this thread until it is done. Inputs that the graph does not have are ignored. */
  async run(inputs: ReadonlyMap<string, HostTensor>): Promise<Map<string, HostTensor>> {
    if (this.#disposed) throw afterDisposal();
    const feeds: Record<string, ReturnType<typeof toOrt>> = {};
    for (const name of this.inputs) {
      const tensor = inputs.get(name);
      if (tensor === undefined) throw new Error(`the graph's input '${name}' was not given`);
      feeds[name] = toOrt(tensor);
    }
    const results = await this.#session.run(feeds);
    return new Map(this.outputs.map((name) => [name, fromOrt(results[name] as ReturnType<typeof toOrt>)]));
  }

  endProfiling(): void {
    this.#session.endProfiling();
  }

  /** Safe to call again; `run` throws a UserError (kind `usage`) then. */
  async dispose(): Promise<void> {
    if (this.#disposed) return;
    this.#disposed = true;
    await this.#session.release();
  }
}

/** ONNX Runtime's setting for threads that wait for work. */
const spinning = (spin: boolean): Readonly<Record<string, unknown>> => ({
  intra_op: { allow_spinning: spin ? '1' : '0' },
});

/** ONNX Runtime's setting for the folder of external data of a model that is loaded from memory. */
const externalFolder = (path: string | undefined): Readonly<Record<string, string>> =>
  path === undefined ? {} : { model_external_initializers_file_folder_path: path };
