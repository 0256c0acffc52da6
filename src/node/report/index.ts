/// <reference types="node" preserve="true" />
/// <reference lib="esnext.disposable" preserve="true" />

export * from './bar.js';
export { renderSvg, svgToPng } from './charts/render.js';
export { compareChart } from './charts/run-comparison.js';
export * from './compare.js';
export * from './compare-text.js';
export * from './event-content.js';
export * from './measurements.js';
export * from './run-events.js';
export * from './run-folder.js';
export type { ReportedEvaluation } from './run-page.js';
export * from './run-report.js';
export * from './scatter.js';
export * from './tensorboard.js';
export * from './text-tables.js';
export * from './told-epochs.js';
