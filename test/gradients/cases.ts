import type { AttributeValues, Differentiable } from '../../src/ops/index.js';

/** Values of an attribute of which each needs a check of its own: together all that are possible, each in one class. */
interface Cases<Value, All> {
  readonly classes: Readonly<Record<string, (value: Value, all: All) => boolean>>;
  /** Why a gradient does not depend on the attribute; without, one computed with another value must fail a check. */
  readonly noInfluence?: string;
}

/** For every operation that is differentiated, every attribute: one that is missing here does not compile. */
type AttributeCases = {
  readonly [Op in Differentiable]: {
    readonly [Name in keyof AttributeValues<Op>]-?: Cases<AttributeValues<Op>[Name], AttributeValues<Op>>;
  };
};

const present = { absent: (value: unknown) => value === undefined, given: (value: unknown) => value !== undefined };
const absent = { absent: (value: unknown) => value === undefined };
const formOnly = 'it chooses the kernels of the forward pass';
const epsilon = {
  classes: { usual: (value: number) => value === 1e-5, large: (value: number) => value > 0.1 },
} as const;
const axes = {
  classes: { one: (at: readonly number[]) => at.length === 1, several: (at: readonly number[]) => at.length > 1 },
} as const;
const keepdims = {
  classes: { removed: (value: number) => value === 0, kept: (value: number) => value === 1 },
  noInfluence: 'the gradient is reshaped to the input in either case',
} as const;
const startOf = (pads: readonly number[]): readonly number[] => pads.slice(0, pads.length / 2);
const endOf = (pads: readonly number[]): readonly number[] => pads.slice(pads.length / 2);
const some = (numbers: readonly number[]): boolean => numbers.some((n) => n > 0);

export const attributeCases: AttributeCases = {
  Add: {},
  Sub: {},
  Mul: {},
  Div: {},
  Min: {},
  Neg: {},
  Exp: {},
  Log: {},
  Sqrt: {},
  Reciprocal: {},
  Erf: {},
  Sigmoid: {},
  Relu: {},
  Gelu: {},
  PRelu: {
    fixed: { classes: { trained: (value) => value === 0, fixed: (value) => value === 1 }, noInfluence: formOnly },
    atMostOne: { classes: present, noInfluence: formOnly },
  },
  Where: {},
  Identity: {},
  Clip: {},
  Reshape: {},
  Transpose: {
    perm: {
      classes: {
        'its own inverse': (perm) => perm.every((axis, i) => perm[axis] === i),
        'not its own inverse': (perm) => perm.some((axis, i) => perm[axis] !== i),
      },
    },
  },
  Concat: { axis: { classes: { first: (axis) => axis === 0, later: (axis) => axis > 0 } } },
  Slice: {
    axis: { classes: { first: (axis) => axis === 0, later: (axis) => axis > 0 } },
    start: { classes: { 'the start': (start) => start === 0, later: (start) => start > 0 } },
    end: {
      // How far an end lies from that of the axis follows from the sizes, which the step's classes cover.
      classes: { any: (end) => end > 0 },
    },
    step: { classes: { one: (step) => step === 1, two: (step) => step === 2, more: (step) => step > 2 } },
  },
  Pad: {
    pads: {
      classes: {
        before: (pads) => some(startOf(pads)) && !some(endOf(pads)),
        behind: (pads) => !some(startOf(pads)) && some(endOf(pads)),
        'on both sides': (pads) => some(startOf(pads)) && some(endOf(pads)),
      },
    },
  },
  Subsample: {
    strides: {
      classes: {
        'rows only': ([rows, columns]) => rows !== 1 && columns === 1,
        'columns only': ([rows, columns]) => rows === 1 && columns !== 1,
        both: ([rows, columns]) => rows !== 1 && columns !== 1,
      },
    },
  },
  MaxPool: {
    kernel_shape: { classes: { even: ([k = 0]) => k % 2 === 0, odd: ([k = 0]) => k % 2 === 1 } },
    strides: { classes: { one: ([s]) => s === 1, two: ([s]) => s === 2, more: ([s = 0]) => s > 2 } },
    pads: {
      classes: {
        none: (pads) => !some(pads ?? []),
        even: (pads = []) => some(pads) && pads.every((one) => one === pads[0]),
        uneven: (pads = []) => pads.some((one) => one !== pads[0]),
      },
    },
  },
  ExpandAs: {},
  ReduceSum: { axes, keepdims },
  ReduceMean: { axes, keepdims },
  MatMul: {},
  Linear: {},
  Conv: {
    strides: { classes: { one: ([s]) => s === 1, two: ([s]) => s === 2, more: ([s = 0]) => s > 2 } },
    pads: {
      classes: {
        none: ([pad]) => pad === 0,
        'within the kernel': ([pad = 0], { kernel_shape: [k = 0] }) => pad > 0 && pad < k,
        'beyond the kernel': ([pad = 0], { kernel_shape: [k = 0] }) => pad > 0 && pad >= k,
      },
    },
    kernel_shape: {
      classes: { one: ([k]) => k === 1, even: ([k = 0]) => k % 2 === 0, odd: ([k = 0]) => k > 1 && k % 2 === 1 },
    },
    group: { classes: { one: (group) => group === 1, several: (group) => group > 1 } },
    fixed: { classes: present, noInfluence: formOnly },
  },
  BatchNormalization: {
    epsilon,
    momentum: { classes: absent, noInfluence: 'lowering alone sets it' },
    training_mode: { classes: absent, noInfluence: 'lowering alone sets it' },
  },
  BatchNormTraining: { epsilon },
  LayerNormalization: { epsilon, axis: { classes: { last: (axis) => axis === -1 } } },
  Softmax: { axis: { classes: { last: (axis) => axis >= 0 } } },
  SoftmaxCrossEntropy: {},
  RelativePositionBias: {
    size: { classes: { one: (size) => size === 1, two: (size) => size === 2, more: (size) => size > 2 } },
  },
};

/** Inputs of floating point whose gradients no rule gives, and why. All others need a check, by operation and name. */
export const withoutGradient: Readonly<Record<string, string>> = {
  'Clip min': 'a bound is a constant',
  'Clip max': 'a bound is a constant',
  'ExpandAs like': 'its values are not read',
  'BatchNormalization mean': 'refused: given statistics are not differentiated',
  'BatchNormalization variance': 'refused: given statistics are not differentiated',
};
