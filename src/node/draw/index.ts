export * from './contact-sheet.js';
export { explanationPanel, type TokenMap } from './explanation-panel.js';
export * from './heat-panel.js';
