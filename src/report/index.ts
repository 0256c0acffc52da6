export * from './bar.js';
export * from './heat-panel.js';
export { heatRamp, type Ramp } from './ramp.js';
export * from './table.js';
