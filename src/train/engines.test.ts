import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import * as ort from 'onnxruntime-common';
import { parseNetwork } from '../models/index.js';
import { adamw } from '../optim/index.js';
import { loadOrt, type OrtModule } from '../runtime/backend.js';
import { DeviceTensor, useOrt } from '../runtime/index.js';
import { CpuEngine } from './cpu-engine.js';
import type { EngineOptions } from './engine.js';
import { firstValues } from './first-values.js';
import { GpuEngine } from './gpu-engine.js';
import { trainingProgram } from './program.js';

// Sessions that compute nothing stand in for ONNX Runtime's: what counts is which of them are there.

const live = { sessions: 0 };
/** What is possible until something fails. */
const left = { sessions: 0, runs: 0 };

function count(of: 'sessions' | 'runs'): void {
  if (left[of] === 0) throw new Error(`no more ${of}`);
  left[of]--;
}

/** All that a tensor looks at. */
const buffer = { size: 4, mapState: 'unmapped', destroy: () => undefined } as ort.Tensor.GpuBufferType;

/** What every run puts out: a tensor on the device. */
const onDevice = (): ort.Tensor =>
  ort.Tensor.fromGpuBuffer(buffer, { dataType: 'float32', dims: [1], dispose: () => undefined });

async function create(): Promise<ort.InferenceSession> {
  count('sessions');
  live.sessions++;
  return {
    inputNames: [],
    outputNames: ['y'],
    inputMetadata: [],
    outputMetadata: [],
    run: async () => {
      count('runs');
      return { y: onDevice() };
    },
    release: async () => {
      live.sessions--;
    },
    startProfiling: () => undefined,
    endProfiling: () => undefined,
  };
}

const network = parseNetwork(
  { name: 'resnet8', config: { numClasses: 3, imageSize: 16, inputChannels: 1, stages: [{ channels: 8, blocks: 1 }] } },
  'this test',
);

function optionsFor(device: 'cpu' | 'webgpu'): EngineOptions {
  const program = trainingProgram(network, { device });
  return {
    network,
    program,
    optimizer: adamw(1e-3),
    ema: 0.9,
    clip: 1,
    parameters: firstValues(program.parameters, 1),
  };
}

describe('an engine that cannot be made leaves nothing behind', () => {
  let real: OrtModule;
  before(async () => {
    real = await loadOrt({ device: 'cpu' });
    useOrt({ InferenceSession: { create }, Tensor: ort.Tensor, env: ort.env });
  });
  // Other tests share the process.
  after(() => useOrt(real));
  beforeEach(() => Object.assign(left, { sessions: Number.POSITIVE_INFINITY, runs: Number.POSITIVE_INFINITY }));

  test('on the CPU: sessions', async () => {
    const options = optionsFor('cpu');
    const stored = { averageUpdates: 0, optimizer: new Map<string, Float32Array>(), optimizerSteps: 1 };
    await assert.rejects(CpuEngine.create({ ...options, restore: stored }), /stored optimizer state does not fit/);
    assert.equal(live.sessions, 0);
    left.sessions = 1;
    await assert.rejects(CpuEngine.create(options), /no more sessions/);
    assert.equal(live.sessions, 0);
    left.sessions = 2;
    const engine = await CpuEngine.create(options);
    assert.equal(live.sessions, 2);
    await engine.dispose();
    assert.equal(live.sessions, 0);
  });

  test('on a GPU: sessions, and tensors of the device', async () => {
    const options = optionsFor('webgpu');
    // Sessions that copy tensors to and from the device are made once, and stay.
    const engine = await GpuEngine.create(options);
    const tensors = DeviceTensor.live;
    await engine.dispose();
    const copying = live.sessions;
    assert.equal(DeviceTensor.live, 0);
    for (let possible = 0; possible < 5; possible++) {
      left.sessions = possible;
      await assert.rejects(GpuEngine.create(options), /no more sessions/);
      assert.equal(live.sessions, copying, `after ${possible} sessions`);
    }
    left.sessions = Number.POSITIVE_INFINITY;
    for (const possible of [0, 1, tensors - 1]) {
      left.runs = possible;
      await assert.rejects(GpuEngine.create(options), /no more runs/);
      assert.deepEqual([live.sessions, DeviceTensor.live], [copying, 0], `after ${possible} tensors`);
    }
  });
});
