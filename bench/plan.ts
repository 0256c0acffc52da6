/*
 * `UV_THREADPOOL_SIZE=8 node dist/bench/plan.js`: the plan of `poster plan` beside steps of 1, 2 and 4 ranks, each in a network namespace of its own, with bandwidth
 * limited (tc) and messages delayed. It needs Linux, root, iproute2 and Open MPI. Ranks sleep in place of computing, so that those of
 * one machine take the time of machines of their own; what they send, and how, is the trainer's. What sending costs beside the network is
 * measured before, at full speed.
 * Options: --steps N of each (default 5), --ranks 1,2,4, --settings MBIT:MS,... (default 40:2,20:10,10:20).
 */
import { execFile } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { setPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { itemAt } from '../src/common/item-at.js';
import { type Sending, stepTime, tcpSending } from '../src/node/ranks/step-model.js';
import type { RankResult, RankWork } from './plan/rank.js';
import { type VirtualNetwork, virtualNetwork } from './plan/virtual-network.js';

const { values: options } = parseArgs({
  options: {
    steps: { type: 'string', default: '5' },
    ranks: { type: 'string', default: '1,2,4' },
    settings: { type: 'string', default: '40:2,20:10,10:20' },
  },
});
const counts = options.ranks.split(',').map(Number);
const settings = options.settings.split(',').map((text) => {
  const [mbit = Number.NaN, ms = Number.NaN] = text.split(':').map(Number);
  return { bitsPerSecond: mbit * 1e6, latency: ms / 1000 };
});
// As many gradients as a small network has, and a second of computing. The bandwidths are such that sending takes longer than the
// processor's work for it, which all ranks of this machine share.
const share = 8;
const work: RankWork = {
  ...{ gradients: 1_200_000, statistics: 3_000, fixed: 0.2, perPicture: 0.1, spread: 0.05, classes: 7 },
  ...{ share, steps: Number(options.steps), sums: [1, 1_200_000] },
};
const open = { bitsPerSecond: 10e9, latency: 0 };

const folder = mkdtempSync(join(tmpdir(), 'poster-plan-'));
const network = virtualNetwork(Math.max(...counts));
// MPI asks again and again while it waits. The network is not to wait for that.
setPriority(-20);
try {
  const sending = await fitted(network);
  console.log(`sending: ${JSON.stringify(sending)}`);
  for (const setting of settings) {
    network.set(setting.bitsPerSecond, setting.latency);
    for (const ranks of counts) {
      const { step } = await started(network, ranks, work);
      const plan = stepTime({ ...work, ...setting, ranks, batch: ranks * share }, sending);
      const error = (100 * (plan.total - step)) / step;
      const parts = Object.entries(plan).map(([name, seconds]) => `${name} ${seconds.toFixed(3)}`);
      console.log(
        `${setting.bitsPerSecond / 1e6} Mbit/s, ${1000 * setting.latency} ms, ${ranks} ranks: measured ${step.toFixed(3)} s; plan: ` +
          `${parts.join(', ')}; error ${error.toFixed(1)}%`,
      );
    }
  }
} finally {
  network.close();
  rmSync(folder, { recursive: true });
}
// Threads that wait for frames would keep the process.
process.exit();

/** What sending costs beside the network: calls and messages where it costs next to nothing, bytes in memory. */
async function fitted(machines: VirtualNetwork): Promise<Sending> {
  machines.set(open.bitsPerSecond, open.latency);
  const quick = { ...work, steps: 1, fixed: 0, perPicture: 0 };
  const short = itemAt((await started(machines, 2, quick)).sums, 0);
  const sending: Sending = { ...tcpSending, perCall: short / 2, perMessage: short / 2, perByte: 0 };
  const elements = itemAt(work.sums, 1);
  const long = itemAt((await started(undefined, 2, quick)).sums, 1);
  return { ...sending, perByte: long / (4 * elements) };
}

/** @param machines undefined: two ranks of this one */
async function started(machines: VirtualNetwork | undefined, ranks: number, asked: RankWork): Promise<RankResult> {
  const words = [
    ...(machines === undefined ? ['--oversubscribe'] : namespaceOptions(machines, ranks)),
    ...['--mca', 'mpi_yield_when_idle', '1', '-n', String(ranks), '--bind-to', 'none'],
    ...[process.execPath, fileURLToPath(new URL('./plan/rank.js', import.meta.url)), JSON.stringify(asked)],
  ];
  const env = { ...process.env, OMPI_ALLOW_RUN_AS_ROOT: '1', OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: '1' };
  const { stdout } = await promisify(execFile)('nice', ['-n', '20', 'mpirun.openmpi', ...words], { env });
  return JSON.parse(stdout) as RankResult;
}

/** Options of Open MPI for ranks in namespaces. */
function namespaceOptions({ machines, launcher }: VirtualNetwork, ranks: number): string[] {
  // In place of ssh: it is given options, the machine's name, and a command for a shell.
  const agent = join(folder, 'agent');
  writeFileSync(
    agent,
    '#!/bin/bash\nwhile [[ $1 == -* ]]; do shift; done\nhost=$1; shift\n' +
      'exec ip netns exec "$host" unshare --uts sh -c "hostname $host; $*"\n',
  );
  chmodSync(agent, 0o755);
  const settings = {
    plm_rsh_agent: agent,
    plm_rsh_no_tree_spawn: '1',
    // Daemons stay in the launcher's session, and keep its priority.
    orte_debug_daemons: '1',
    btl: 'tcp,self',
    btl_tcp_if_include: launcher,
    oob_tcp_if_include: launcher,
  };
  const options = Object.entries(settings).flatMap(([name, value]) => ['--mca', name, value]);
  return [...options, '--host', machines.slice(0, ranks).join()];
}
