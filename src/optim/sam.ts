import { normOf } from './clip.js';
import { addScaled, allocate, checkLength, type Gradients, type Layout, partOf, tensorsOf } from './flat-layout.js';

/**
 * Sharpness-aware minimisation (Foret et al., arXiv 2010.01412). A step is: gradients at w; climb to
 * w + rho * g / |g|; gradients there; back to w; the base optimizer's update with the second gradients.
 * The norm is over all parameters together, as in the implementation that POSTER V2 was published with (not adaptive).
 */

/** Default neighbourhood of the paper and of POSTER V2's recipes. */
export const defaultRho = 0.05;

/** Keeps the division finite where all gradients are zero. */
const epsilon = 1e-12;

/**
 * Writes the climbed parameters, params + rho * g / (|g| + 1e-12), to `target`, which may be `params` itself or a second
 * array that a session reads instead (then nothing needs restoring). Returns |g|; if that is not finite, so are some of
 * the results. All arrays are flat over the layout.
 */
export function climb(
  layout: Layout,
  params: Float32Array,
  gradients: Gradients,
  rho: number,
  target: Float32Array,
): number {
  if (!(rho >= 0 && Number.isFinite(rho))) throw new RangeError(`rho must be finite and at least 0, not ${rho}`);
  const directions = tensorsOf(layout, gradients);
  const starts = tensorsOf(layout, params);
  const targets = tensorsOf(layout, target);
  const norm = normOf(directions);
  const factor = rho / (norm + epsilon);
  targets.forEach((tensor, index) => {
    addScaled(tensor, partOf(starts, index), partOf(directions, index), factor);
  });
  return norm;
}

/** What `perturb` gives back. */
export interface Perturbation {
  /** Global L2 norm of the gradients at the unperturbed parameters. */
  readonly norm: number;
  /** Puts the parameters back, bit for bit. */
  restore(): void;
}

/**
 * Climbs in place. The parameters are kept in `saved` and copied back from there by `restore`: subtracting the step
 * again would leave rounding errors in them. Pass the same `saved` each step to allocate nothing.
 */
export function perturb(
  layout: Layout,
  params: Float32Array,
  gradients: Gradients,
  rho: number = defaultRho,
  saved: Float32Array = allocate(layout),
): Perturbation {
  checkLength(layout, params, 'parameter array');
  checkLength(layout, saved, 'saved copy');
  saved.set(params);
  const norm = climb(layout, params, gradients, rho, params);
  return { norm, restore: () => params.set(saved) };
}
