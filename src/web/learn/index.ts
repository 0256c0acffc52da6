export { Learner, type WebLearnOptions } from './learner.js';
