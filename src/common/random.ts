/** 128 bits of a stream's name. The mixing is MurmurHash3's, over four lanes with different multipliers. */
function hash128(text: string): [number, number, number, number] {
  let a = 0x6b84221f;
  let b = 0x9e3779b9;
  let c = 0x3c6ef372;
  let d = 0x1b873593;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    a = b ^ Math.imul(a ^ unit, 0x239b961b);
    b = c ^ Math.imul(b ^ unit, 0xab0e9789);
    c = d ^ Math.imul(c ^ unit, 0x38b34ae5);
    d = a ^ Math.imul(d ^ unit, 0xa1e38b93);
  }
  const mix = (x: number): number => {
    let h = x ^ text.length;
    h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
    h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
    return h ^ (h >>> 16);
  };
  return [mix(a ^ (c >>> 18)), mix(b ^ (d >>> 22)), mix(c ^ (a >>> 17)), mix(d ^ (b >>> 19))];
}

/**
 * A stream of random numbers: sfc32 (Chris Doty-Humphrey, PractRand), 128 bits of state. Not for secrets.
 * Make one with `random(seed, ...stream)`.
 */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #counter: number;
  #spare: number | undefined;

  constructor(state: readonly [number, number, number, number]) {
    [this.#a, this.#b, this.#c, this.#counter] = state;
    // The state starts as a hash; the rounds spread what similar hashes share.
    for (let i = 0; i < 15; i++) this.uint32();
  }

  /** Integer in [0, 2^32). */
  uint32(): number {
    const out = (((this.#a + this.#b) | 0) + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + out) | 0;
    return out >>> 0;
  }

  /** Number in [0, 1), 53 random bits. */
  next(): number {
    const high = this.uint32() >>> 5;
    const low = this.uint32() >>> 6;
    return (high * 67108864 + low) / 9007199254740992;
  }

  /** Integer in [0, n), without bias. `n` is an integer from 1 to 2^32. */
  int(n: number): number {
    if (!Number.isInteger(n) || n < 1 || n > 4294967296) throw new RangeError(`int(${n}): n must be in 1..2^32`);
    // Numbers above the last multiple of n would favour small results: draw again.
    const limit = 4294967296 - (4294967296 % n);
    let x = this.uint32();
    while (x >= limit) x = this.uint32();
    return x % n;
  }

  /** Number in [from, to); `from` itself when both are equal. */
  uniform(from: number, to: number): number {
    return from + (to - from) * this.next();
  }

  /** Normally distributed number (Box and Muller). */
  normal(mean = 0, std = 1): number {
    const spare = this.#spare;
    if (spare !== undefined) {
      this.#spare = undefined;
      return mean + std * spare;
    }
    const radius = Math.sqrt(-2 * Math.log(1 - this.next()));
    const angle = 2 * Math.PI * this.next();
    this.#spare = radius * Math.sin(angle);
    return mean + std * radius * Math.cos(angle);
  }

  /** Normally distributed number, conditioned on lying in [from, to] (default: two standard deviations). */
  truncatedNormal(mean = 0, std = 1, from = mean - 2 * std, to = mean + 2 * std): number {
    if (std === 0 && from <= mean && mean <= to) return mean;
    if (!(std > 0 && from < to)) throw new RangeError(`truncatedNormal(${mean}, ${std}, ${from}, ${to})`);
    const a = (from - mean) / std;
    const b = (to - mean) / std;
    if (a < 0 && b > 0 && b - a > 2.5) {
      for (;;) {
        const x = this.normal();
        if (x >= a && x <= b) return mean + std * x;
      }
    }
    // A narrow or far interval would reject nearly all normal draws: propose uniformly, accept by density
    // (C. Robert, Simulation of truncated normal variables, 1995). Beyond +-38 the density is 0 in doubles.
    const nearest = Math.max(a, Math.min(b, 0));
    const low = Math.max(a, nearest - 8);
    const high = Math.min(b, nearest + 8);
    for (;;) {
      const x = this.uniform(low, high);
      if (this.next() <= Math.exp((nearest * nearest - x * x) / 2)) return mean + std * x;
    }
  }

  /** Number from Beta(alpha, alpha), alpha above 0: near 0 or 1 where alpha is small, near 0.5 where it is large. */
  beta(alpha: number): number {
    // Gamma variates may be too small for a double where alpha is; their logarithms are not.
    return 1 / (1 + Math.exp(this.#logGamma(alpha) - this.#logGamma(alpha)));
  }

  /** Logarithm of a number from Gamma(alpha, 1) (G. Marsaglia and W. W. Tsang, A simple method for generating gamma variables, 2000). */
  #logGamma(alpha: number): number {
    if (!(alpha > 0 && Number.isFinite(alpha))) throw new RangeError(`beta(${alpha}): alpha must be above 0`);
    // Below 1 from the next higher, as the authors say; 1 - next() is never 0.
    if (alpha < 1) return this.#logGamma(alpha + 1) + Math.log(1 - this.next()) / alpha;
    const d = alpha - 1 / 3;
    const c = 1 / Math.sqrt(9 * d);
    for (;;) {
      const x = this.normal();
      const v = (1 + c * x) ** 3;
      if (v > 0 && Math.log(1 - this.next()) < (x * x) / 2 + d - d * v + d * Math.log(v)) return Math.log(d * v);
    }
  }

  /** Shuffles an array or typed array in place (Fisher and Yates) and returns it. */
  shuffle<T extends { readonly length: number; readonly [index: number]: unknown }>(items: T): T {
    const list: { readonly length: number; [index: number]: unknown } = items;
    for (let i = list.length - 1; i > 0; i--) {
      const j = this.int(i + 1);
      const kept = list[i];
      list[i] = list[j];
      list[j] = kept;
    }
    return items;
  }
}

/**
 * The random stream of this seed and path, for example `random(seed, 'augment', epoch, index)`. Streams of different
 * paths are independent, so that nothing random depends on who draws first or on how many workers there are.
 */
export function random(seed: number, ...stream: readonly (number | string)[]): Random {
  let name = `${seed}`;
  for (const part of stream) name += typeof part === 'number' ? `/n${part}` : `/s${part.length}:${part}`;
  return new Random(hash128(name));
}
