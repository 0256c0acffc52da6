import { entryOf } from '../common/item-at.js';
import { checkStoredState } from './check-state.js';
import { type Layout, views } from './flat-layout.js';
import {
  createState,
  type DecayRule,
  decayAll,
  type OptimizerConfig,
  type OptimizerState,
  type TrainingMemory,
} from './optimizer.js';

/** The flat arrays of a state under PyTorch's names for them. */
function flatArrays(state: OptimizerState): [string, Float32Array][] {
  if (state.type === 'adam') {
    return [
      ['exp_avg', state.expAvg],
      ['exp_avg_sq', state.expAvgSq],
    ];
  }
  return state.momentumBuffer.length === 0 ? [] : [['momentum_buffer', state.momentumBuffer]];
}

/**
 * What a state consists of beside its step count, as views: `exp_avg/NAME`, `exp_avg_sq/NAME` or `momentum_buffer/NAME`
 * for each parameter. By parameter, so that a stored state does not depend on order or padding of the layout.
 */
export function stateArrays(state: OptimizerState, layout: Layout): Map<string, Float32Array> {
  const result = new Map<string, Float32Array>();
  for (const [kind, flat] of flatArrays(state)) {
    for (const [name, values] of views(layout, flat)) result.set(`${kind}/${name}`, values);
  }
  return result;
}

/**
 * The state that `stateArrays` and the step count were taken from, bit for bit; the arrays are copied. A UserError names
 * the first array that is missing or of another size.
 */
export function restoreState(
  config: OptimizerConfig,
  layout: Layout,
  step: number,
  arrays: ReadonlyMap<string, Float32Array>,
  decay: DecayRule = decayAll,
  memory?: TrainingMemory,
): OptimizerState {
  checkStoredState(config, layout, step, arrays);
  const state = createState(config, layout, decay, memory);
  state.step = step;
  for (const [name, target] of stateArrays(state, layout)) if (target.length > 0) target.set(entryOf(arrays, name));
  return state;
}
