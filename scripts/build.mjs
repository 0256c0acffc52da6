// npm run build: what the other commands do first.
import { compile, install } from './support/steps.mjs';

install();
compile();
