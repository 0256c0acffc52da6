import { readFileSync } from 'node:fs';

/** Memory of a process that is in use now, in MB (Linux). */
export function residentMegabytes(pid: number): number {
  try {
    const [, kilobytes = '0'] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    return Math.round(Number(kilobytes) / 1024);
  } catch {
    return 0; // It has just ended.
  }
}
