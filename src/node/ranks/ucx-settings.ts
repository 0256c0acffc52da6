/**
 * Settings of UCX, which carries the messages of MPICH and of some builds of Open MPI. Its own suit programs in C; these suit V8, which
 * has threads that take and give back memory while MPI begins, and a use for signals.
 */
const settings = {
  // With it, UCX puts its own functions in the place of those for memory, and tries them: it makes the heap of C longer, and shorter again.
  // What another thread has got in between is unmapped, and V8 dies later, wherever it needs that.
  UCX_MEM_EVENTS: 'no',
  // Without SIGSEGV, by which V8 notices that WebAssembly has left its memory: the end of the process where it was an error to catch.
  UCX_ERROR_SIGNALS: 'SIGILL,SIGBUS,SIGFPE',
} as const;

/**
 * Sets what is not yet set. UCX reads it while the library of MPI is opened.
 * @param env `process.env` of the main thread: those of other threads are copies, which no library reads
 */
export function setUpUcx(env: Record<string, string | undefined>): void {
  for (const [name, value] of Object.entries(settings)) env[name] ??= value;
}
