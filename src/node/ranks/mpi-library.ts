import type { LibraryHandle } from 'koffi';
import { UserError } from '../../common/errors.js';
import type { Launched } from './launcher.js';

type Vendor = NonNullable<Launched['vendor']>;

/** What a handle or an address is to koffi. */
type Handle = number | bigint;

/** What differs between the interfaces of MPI libraries, in compiled form. */
interface BinaryInterface {
  /** Type of handles in C. */
  readonly handle: 'int' | 'void *';
  readonly world: Handle;
  readonly byte: Handle;
  readonly float: Handle;
  readonly sum: Handle;
  readonly errorsReturn: Handle;
  /** An address that stands for `MPI_IN_PLACE`. */
  readonly inPlace: number;
}

type Koffi = typeof import('koffi');
type NativeFunction = ReturnType<LibraryHandle['func']>;

/** MPI as far as it is needed here; all calls from the thread that opened it. */
export interface MpiLibrary {
  /** The library's own words, such as `Open MPI v4.1.4`. */
  readonly name: string;
  /** Joins the other ranks. @throws UserError where the library fails */
  init(): { readonly rank: number; readonly size: number };
  /** Every rank's bytes into `all`, by rank. */
  allgatherBytes(own: Uint8Array, all: Uint8Array): void;
  allgather(own: Float32Array, all: Float32Array): void;
  /** Part r of `parts` to rank r; `from` gets this rank's part of all ranks. Parts have `count` elements. */
  alltoall(parts: Float32Array, from: Float32Array, count: number): void;
  /** The library's own sum, in place, in an order of its own. */
  allreduce(flat: Float32Array): void;
  /**
   * Begins to send a message. The bytes are read until `isSent`.
   * @param bytes of a buffer of their own: small arrays are moved by the garbage collector
   */
  send(to: number, bytes: Uint8Array): SentMessage;
  /** Whether a message of a rank is there to be received. */
  isThere(from: number): boolean;
  /** Fills an array with the next message of a rank. */
  receive(from: number, bytes: Uint8Array): void;
  finalize(): void;
}

/** A message under way. */
export interface SentMessage {
  isSent(): boolean;
}

/**
 * Names to look for. Versioned ones: those without a version belong to packages for development. Open MPI from 1.10 to 5 has the
 * first; MPICH, Intel MPI and MVAPICH share the second, which Debian calls otherwise.
 */
const names: Readonly<Record<Vendor | 'MPI 5', readonly string[]>> =
  process.platform === 'darwin'
    ? {
        'Open MPI': ['libmpi.40.dylib'],
        MPICH: ['libmpi.12.dylib', 'libmpich.12.dylib'],
        'MPI 5': ['libmpi_abi.0.dylib'],
      }
    : {
        'Open MPI': ['libmpi.so.40'],
        MPICH: ['libmpich.so.12', 'libmpi.so.12'],
        'MPI 5': ['libmpi_abi.so.0'],
      };

/** @throws UserError where koffi is not installed, or has no binary for this system. */
async function loadKoffi(): Promise<Koffi> {
  try {
    return await import('koffi');
  } catch (error) {
    throw new UserError(
      'Programs under MPI need the package koffi, which is not installed or does not know this system; install it beside this package: npm install koffi.',
      'resources',
      { cause: error },
    );
  }
}

/**
 * Opens the MPI library that fits the launcher of this process.
 * @throws UserError where there is none, or only one of another vendor
 */
export async function openMpi({ vendor }: Pick<Launched, 'vendor'>): Promise<MpiLibrary> {
  const koffi = await loadKoffi();
  const wanted = vendor === undefined ? [...names['Open MPI'], ...names.MPICH] : names[vendor];
  const tried = [...wanted, ...names['MPI 5']];
  for (const name of tried) {
    let library: LibraryHandle;
    try {
      // Open MPI opens plug-ins, which look for its symbols among the global ones.
      library = koffi.load(name, { global: true });
    } catch {
      continue;
    }
    return bind(koffi, library, vendor);
  }
  const of = vendor === undefined ? '' : ` of ${vendor}`;
  throw new UserError(
    `The launcher's MPI library${of} is not found (${tried.join(', ')}); install it, or add its folder to LD_LIBRARY_PATH.`,
    'resources',
  );
}

function bind(koffi: Koffi, library: LibraryHandle, vendor: Vendor | undefined): MpiLibrary {
  const name = versionOf(library);
  const own = vendorOf(name);
  if (vendor !== undefined && own !== undefined && own !== vendor) {
    throw new UserError(
      `The launcher is of ${vendor} and the MPI library found is ${name}; use the launcher and the library of one of them.`,
      'resources',
    );
  }
  const abi = interfaceOf(koffi, library, name);
  const call = callerOf(library, name);
  const { handle, world, byte, float, sum } = abi;
  const rankOf = library.func('MPI_Comm_rank', 'int', [handle, 'void *']);
  const sizeOf = library.func('MPI_Comm_size', 'int', [handle, 'void *']);
  const gather = library.func('MPI_Allgather', 'int', ['void *', 'int', handle, 'void *', 'int', handle, handle]);
  const scatter = library.func('MPI_Alltoall', 'int', ['void *', 'int', handle, 'void *', 'int', handle, handle]);
  const reduce = library.func('MPI_Allreduce', 'int', ['intptr_t', 'void *', 'int', handle, handle, handle]);
  const begin = library.func('MPI_Isend', 'int', ['void *', 'int', handle, 'int', 'int', handle, 'void *']);
  const tested = library.func('MPI_Test', 'int', ['void *', 'void *', 'void *']);
  const probe = library.func('MPI_Iprobe', 'int', ['int', 'int', handle, 'void *', 'void *']);
  const take = library.func('MPI_Recv', 'int', ['void *', 'int', handle, 'int', 'int', handle, 'void *']);
  /** Of messages from one rank to another. */
  const tag = 1;
  // What a status looks like differs between libraries; none is longer, and nobody reads it.
  const status = new Uint8Array(256);
  return {
    name,
    init: () => {
      const funneled = 1;
      call('init', library.func('MPI_Init_thread', 'int', ['void *', 'void *', 'int', 'void *']), [
        null,
        null,
        funneled,
        new Int32Array(1),
      ]);
      // What goes wrong is a sentence then, and not the end of the process.
      const setHandler = library.func('MPI_Comm_set_errhandler', 'int', [handle, handle]);
      call('set up', setHandler, [world, abi.errorsReturn]);
      const [rank, size] = [new Int32Array(1), new Int32Array(1)];
      call('tell the rank', rankOf, [world, rank]);
      call('tell the size', sizeOf, [world, size]);
      return { rank: Number(rank[0]), size: Number(size[0]) };
    },
    allgatherBytes: (own, all) => call('gather', gather, [own, own.length, byte, all, own.length, byte, world]),
    allgather: (own, all) => call('gather', gather, [own, own.length, float, all, own.length, float, world]),
    alltoall: (parts, from, count) => call('exchange', scatter, [parts, count, float, from, count, float, world]),
    allreduce: (flat) => call('sum', reduce, [abi.inPlace, flat, flat.length, float, sum, world]),
    send: (to, bytes) => {
      const request = new BigInt64Array(1);
      call('send', begin, [bytes, bytes.length, byte, to, tag, world, request]);
      const done = new Int32Array(1);
      return {
        isSent: () => {
          call('send', tested, [request, done, status]);
          return done[0] !== 0;
        },
      };
    },
    isThere: (from) => {
      const there = new Int32Array(1);
      call('look for a message', probe, [from, tag, world, there, status]);
      return there[0] !== 0;
    },
    receive: (from, bytes) => call('receive', take, [bytes, bytes.length, byte, from, tag, world, status]),
    finalize: () => call('finish', library.func('MPI_Finalize', 'int', []), []),
  };
}

/** The first line of what the library says about itself; it may be asked before anything else. */
function versionOf(library: LibraryHandle): string {
  const [text, length] = [new Uint8Array(8192), new Int32Array(1)];
  library.func('MPI_Get_library_version', 'int', ['void *', 'void *'])(text, length);
  const [first = ''] = Buffer.from(text.subarray(0, length[0]))
    .toString('latin1')
    .split(/[\n\0,]/, 1);
  return first.replace(/\s+/g, ' ').trim();
}

function vendorOf(name: string): Vendor | undefined {
  if (/open mpi/i.test(name)) return 'Open MPI';
  return /mpich|intel|mvapich|cray/i.test(name) ? 'MPICH' : undefined;
}

/** @throws UserError where the library is of no known kind */
function interfaceOf(koffi: Koffi, library: LibraryHandle, name: string): BinaryInterface {
  if (hasStandardInterface(library)) {
    return {
      handle: 'void *',
      ...{ world: 0x101, byte: 0x247, float: 0x210, sum: 0x21, errorsReturn: 0x142, inPlace: 1 },
    };
  }
  switch (vendorOf(name)) {
    case 'MPICH':
      return {
        handle: 'int',
        ...{ world: 0x44000000, byte: 0x4c00010d, float: 0x4c00040a, sum: 0x58000003, errorsReturn: 0x54000001 },
        inPlace: -1,
      };
    case 'Open MPI': {
      const address = (symbol: string): Handle => koffi.address(library.symbol(symbol));
      return {
        handle: 'void *',
        world: address('ompi_mpi_comm_world'),
        byte: address('ompi_mpi_byte'),
        float: address('ompi_mpi_float'),
        sum: address('ompi_mpi_op_sum'),
        errorsReturn: address('ompi_mpi_errors_return'),
        inPlace: 1,
      };
    }
    case undefined:
      throw new UserError(
        `The MPI library '${name}' is none that this program knows; use Open MPI, MPICH or one with MPI 5's standard interface.`,
        'resources',
      );
  }
}

/** Whether it has the interface that MPI 5 lays down: others answer -1, or do not know the question. */
function hasStandardInterface(library: LibraryHandle): boolean {
  try {
    const [major, minor] = [new Int32Array(1), new Int32Array(1)];
    library.func('MPI_Abi_get_version', 'int', ['void *', 'void *'])(major, minor);
    return Number(major[0]) >= 1;
  } catch {
    return false;
  }
}

/** Calls a function of MPI. */
function callerOf(library: LibraryHandle, name: string) {
  const explain = library.func('MPI_Error_string', 'int', ['int', 'void *', 'void *']);
  return (what: string, work: NativeFunction, given: readonly unknown[]): void => {
    const code: unknown = work(...given);
    if (code === 0) return;
    const [text, length] = [new Uint8Array(1024), new Int32Array(1)];
    explain(code, text, length);
    const reason = Buffer.from(text.subarray(0, length[0])).toString('latin1').split('\n', 1).join('');
    throw new UserError(`${name} could not ${what} (${reason}); see what the launcher says.`, 'resources');
  };
}
