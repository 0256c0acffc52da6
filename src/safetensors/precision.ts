export const precisions = ['F32', 'F16'] as const;

/**
 * How weights are stored. `F16` halves the file: matrices and kernels keep eleven significant bits; vectors (biases,
 * normalisation, its statistics) stay F32, where they weigh little and their range may matter, and so does a matrix whose
 * values half precision cannot hold.
 */
export type Precision = (typeof precisions)[number];
