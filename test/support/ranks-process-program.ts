/**
 * A program for the ranks of a test: whether the library of MPI leaves the process to V8. Rank 0 tells for each of them, as JSON, which of
 * the functions for memory have been written over, and what becomes of WebAssembly that leaves its memory.
 */
import koffi from 'koffi';
import { z } from 'zod';
import { messageOf } from '../../src/common/errors.js';
import { Communicator } from '../../src/node/ranks/communicator.js';
import { joinRanks } from '../../src/node/ranks/join.js';

const functions = ['mmap', 'munmap', 'mremap', 'brk', 'sbrk', 'madvise'];
const library = koffi.load('libc.so.6');
const code = (): string[] =>
  functions.map((name) => Buffer.from(koffi.decode(library.symbol(name), 'uint8_t', 16)).toString('hex'));

/** (module (memory 1) (func (export "f") (param i32) (result i32) (i32.load (local.get 0)))) */
const module = Uint8Array.from([
  ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 0x01, 0x06, 0x01, 0x60, 0x01, 0x7f, 0x01, 0x7f],
  ...[0x03, 0x02, 0x01, 0x00, 0x05, 0x03, 0x01, 0x00, 0x01, 0x07, 0x05, 0x01, 0x01, 0x66, 0x00, 0x00],
  ...[0x0a, 0x09, 0x01, 0x07, 0x00, 0x20, 0x00, 0x28, 0x02, 0x00, 0x0b],
]);

async function trap(): Promise<string> {
  const { instance } = await WebAssembly.instantiate(module);
  const read = instance.exports['f'];
  if (typeof read !== 'function') throw new Error('no function f');
  try {
    read(2 ** 30);
    return 'nothing';
  } catch (error) {
    return messageOf(error);
  }
}

const before = code();
const ranks = new Communicator(await joinRanks());
const after = code();
const own = { changed: functions.filter((_, i) => before[i] !== after[i]), trap: await trap() };
const all = await ranks.documents(z.object({ changed: z.array(z.string()), trap: z.string() }), own);
await ranks.close();
if (ranks.rank === 0) console.log(JSON.stringify(all));
