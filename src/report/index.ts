export * from './bar.js';
export * from './heat-panel.js';
export * from './measurements.js';
export { heatRamp, type Ramp } from './ramp.js';
export { fontNote, writeChart } from './run-report.js';
export * from './scatter.js';
export * from './table.js';
