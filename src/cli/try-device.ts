// A program of its own, started by device.ts: which device `auto` means here, as JSON.
import { chooseDevice } from '../runtime/index.js';

process.stdout.write(JSON.stringify(await chooseDevice('auto')));
