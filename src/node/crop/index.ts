export * from './crop-dataset.js';
