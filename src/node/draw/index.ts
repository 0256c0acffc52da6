export * from './contact-sheet.js';
export * from './heat-panel.js';
export { labelColours } from './label-colours.js';
export { heatRamp, type Ramp } from './ramp.js';
