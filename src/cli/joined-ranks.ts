import { setTimeout as sleep } from 'node:timers/promises';
import { Communicator } from '../node/ranks/communicator.js';
import { type JoinOptions, joinRanks } from '../node/ranks/join.js';
import { endOthers, launcherOf, startedAsRank } from '../node/ranks/launcher.js';
import { gpuOfRank } from '../node/ranks/local-gpu.js';
import { ownCommit } from '../node/runs/versions.js';
import { silence } from './context.js';

/** How long another rank than the first waits with what is probably wrong with all: the first one says it, and all are ended. */
const patienceMs = 5000;

/**
 * Does the work of a command with the ranks that take part in it. The first one alone speaks; where one fails, all end with its
 * sentence. Before it nothing may be begun: some MPI libraries bear no other threads and processes of before.
 */
export async function withRanks<T>(options: JoinOptions, work: (ranks: Communicator) => Promise<T>): Promise<T> {
  const ranks = await joined(options);
  try {
    const result = await work(ranks);
    await ranks.close();
    return result;
  } catch (error) {
    await ranks.fail(error);
    // What it says about ranks that are gone is said already.
    await ranks.close().catch(() => undefined);
    throw error;
  }
}

async function joined(options: JoinOptions): Promise<Communicator> {
  try {
    // Git is a process of its own; it is asked before MPI begins.
    if (launcherOf(process.env) !== undefined) await ownCommit();
    const gpu = gpuOfRank(process.env);
    // Before anything asks for a GPU; CUDA reads it once.
    if (gpu !== undefined) process.env['CUDA_VISIBLE_DEVICES'] = gpu;
    return new Communicator(await joinRanks(options));
  } catch (error) {
    if (startedAsRank(process.env) === 'other') await sleep(patienceMs);
    silence(false);
    // Behind the sentence.
    process.once('exit', (code) => endOthers(process.env, code));
    throw error;
  }
}
