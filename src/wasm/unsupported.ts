/** Nothing that these kernels compute. */
export class UnsupportedError extends Error {}
