/* A graphics processor that is lost between two runs, and one that is there again. */
import { graph, input } from '../../src/graph/index.js';
import { relu } from '../../src/ops/index.js';
import { floats, GpuSession, hostTensor } from '../../src/runtime/index.js';

/** Runs a small graph, takes the device away, runs it again, and once more after it was made anew. @returns what came of each */
export async function lostDevice(): Promise<string> {
  const devices: GPUDevice[] = [];
  const { requestDevice } = GPUAdapter.prototype;
  GPUAdapter.prototype.requestDevice = async function (descriptor) {
    const device = await requestDevice.call(this, descriptor);
    devices.push(device);
    return device;
  };
  const program = graph(new Map([['y', relu(input('x', 'float32', [3]))]]));
  const feeds = new Map([['x', hostTensor('float32', Float32Array.of(-1, 2, 3), [3])]]);
  const run = (session: GpuSession): Promise<string> =>
    session.run(feeds).then(({ host }) => floats(host.get('y')).join(), String);
  try {
    const session = await GpuSession.create(program);
    const before = await run(session);
    for (const device of devices) {
      device.destroy();
      await device.lost;
    }
    const lost = await run(session);
    await session.dispose();
    const anew = await GpuSession.create(program);
    const after = await run(anew);
    await anew.dispose();
    return [before, lost, after].join(' | ');
  } finally {
    GPUAdapter.prototype.requestDevice = requestDevice;
  }
}
