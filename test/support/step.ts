import assert from 'node:assert/strict';

interface Summary {
  readonly sum: number;
  readonly norm: number;
}

/** `golden/step.json`: a training step of POSTER V2, and two of SAM over Adam, by PyTorch in float64. */
export interface StepGolden {
  readonly target: readonly number[];
  readonly lr: number;
  readonly rho: number;
  readonly loss: number;
  readonly trained: readonly string[];
  readonly gradients: Readonly<Record<string, Summary>>;
  readonly running: Readonly<Record<string, Summary>>;
  readonly sam: {
    readonly steps: number;
    readonly loss_first_loss_second_gradient_norm: readonly (readonly [number, number, number])[];
    readonly update: Readonly<Record<string, Summary>>;
    readonly running: Readonly<Record<string, Summary>>;
  };
}

type Values = ReadonlyMap<string, Float32Array>;

export const norm = (values: Float32Array): number => Math.sqrt(values.reduce((sum, v) => sum + v * v, 0));

/** What two steps of SAM over Adam change each weight by: within 1e-2 of its norm. */
export function checkUpdate(golden: StepGolden, parameters: Values, start: Values): void {
  for (const [name, expected] of Object.entries(golden.sam.update)) {
    const [from, to] = [start.get(name), parameters.get(name)];
    assert.ok(from && to, `there is no ${name}`);
    const moved = norm(to.map((value, i) => value - (from[i] ?? Number.NaN)));
    assert.ok(Math.abs(moved - expected.norm) < 1e-2 * expected.norm, `${name} moved ${moved}, not ${expected.norm}`);
  }
}

/** Running statistics, within 1e-3 of their norms. */
export function checkRunning(expected: Readonly<Record<string, Summary>>, parameters: Values): void {
  for (const [name, value] of Object.entries(expected)) {
    // Of what the published network declares and never calls, and so is not here.
    if (name.startsWith('ir_back.output_layer.')) continue;
    const found = parameters.get(name);
    assert.ok(found, `there is no ${name}`);
    const got = norm(found);
    assert.ok(Math.abs(got - value.norm) < 1e-3 * value.norm, `${name}: norm ${got}, not ${value.norm}`);
  }
}
