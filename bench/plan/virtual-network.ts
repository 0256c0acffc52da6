import { execFileSync } from 'node:child_process';
import { closeSync, openSync, read, writeSync } from 'node:fs';
import koffi from 'koffi';

/**
 * Network namespaces of this machine, joined by a switch that delays what it carries. `tc` limits the bandwidth of each. The kernel's own
 * delays (netem) are not built into every kernel, so the switch is a program: this one. It needs root.
 */
export interface VirtualNetwork {
  /** Names of the namespaces. */
  readonly machines: readonly string[];
  /** Where the launcher is, outside of them. */
  readonly launcher: string;
  /** @param latency one way, in seconds */
  set(bitsPerSecond: number, latency: number): void;
  close(): void;
}

const subnet = '10.77.0';
const frameBytes = 9000;
const ip = (...words: readonly string[]): void => void execFileSync('ip', words, { stdio: 'pipe' });

/** A device whose frames are read and written through a file. */
function openTap(name: string): number {
  const ioctl = koffi.load('libc.so.6').func('int ioctl(int, unsigned long, void *)');
  const file = openSync('/dev/net/tun', 'r+');
  const request = Buffer.alloc(40);
  request.write(name, 'latin1');
  const [tap, withoutHeader, setInterface] = [0x0002, 0x1000, 0x4004_54ca];
  request.writeUInt16LE(tap | withoutHeader, 16);
  if (ioctl(file, setInterface, request) !== 0) throw new Error(`the device ${name} cannot be made; are you root?`);
  return file;
}

/** The last byte of a device's address says which of the files it is; 0 is the launcher's. */
const addressOf = (index: number): string => `02:00:00:00:00:${index.toString(16).padStart(2, '0')}`;

export function virtualNetwork(count: number): VirtualNetwork {
  // Each device has a thread that waits for its frames.
  if (Number(process.env['UV_THREADPOOL_SIZE'] ?? 4) < count + 2) {
    throw new Error(`set UV_THREADPOOL_SIZE to ${count + 2} or more`);
  }
  const machines = Array.from({ length: count }, (_, i) => `poster${i}`);
  const files: number[] = [];
  let delay = 0;
  let isOpen = true;
  const carry = (from: number, frame: Buffer): void => {
    const to = frame[0] === 0x02 ? [frame.readUInt8(5)] : files.map((_, i) => i);
    const deliver = (): void => {
      for (const index of to) {
        const file = files[index];
        if (isOpen && index !== from && file !== undefined) writeSync(file, frame);
      }
    };
    if (delay === 0) deliver();
    else setTimeout(deliver, delay);
  };
  const listen = (index: number, file: number): void => {
    const memory = Buffer.alloc(frameBytes + 100);
    read(file, memory, 0, memory.length, null, (error, length) => {
      if (!isOpen) return;
      if (error === null) carry(index, Buffer.from(memory.subarray(0, length)));
      listen(index, file);
    });
  };
  const configure = (index: number, device: string, inside: readonly string[]): void => {
    ip(...inside, 'link', 'set', device, 'address', addressOf(index), 'mtu', String(frameBytes));
    ip(...inside, 'address', 'add', `${subnet}.${index + 1}/24`, 'dev', device);
    ip(...inside, 'link', 'set', device, 'up');
  };
  const close = (): void => {
    isOpen = false;
    for (const name of machines) {
      try {
        ip('netns', 'delete', name);
      } catch {
        // It was not made.
      }
    }
    for (const file of files) closeSync(file);
  };
  try {
    files.push(openTap('poster-tap'));
    configure(0, 'poster-tap', []);
    for (const [i, name] of machines.entries()) {
      ip('netns', 'add', name);
      files.push(openTap(`${name}-tap`));
      ip('link', 'set', `${name}-tap`, 'netns', name);
      configure(i + 1, `${name}-tap`, ['-n', name]);
      ip('-n', name, 'link', 'set', 'lo', 'up');
    }
  } catch (error) {
    close();
    throw error;
  }
  for (const [i, file] of files.entries()) listen(i, file);
  return {
    machines,
    launcher: `${subnet}.0/24`,
    set: (bitsPerSecond, latency) => {
      delay = 1000 * latency;
      for (const name of machines) {
        const limit = ['rate', `${Math.round(bitsPerSecond)}bit`, 'burst', '64kb', 'latency', '1s'];
        execFileSync('tc', ['-n', name, 'qdisc', 'replace', 'dev', `${name}-tap`, 'root', 'tbf', ...limit]);
      }
    },
    close,
  };
}
