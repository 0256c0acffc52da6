export * from './bar.js';
export { svgToPng } from './charts/render.js';
export * from './heat-panel.js';
export * from './measurements.js';
export { heatRamp, type Ramp } from './ramp.js';
export * from './scatter.js';
export * from './table.js';
