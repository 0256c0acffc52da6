import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';
import { printable } from '../common/printable.js';
import { type ChosenDevice, chooseDevice, type DeviceName, deviceNames } from '../runtime/index.js';
import { note } from './context.js';

const chosenSchema = z.object({ device: z.enum(deviceNames), note: z.string().exactOptional() });

/** A driver that does not answer is none to train on. */
const longestTrial = 120_000;

/**
 * The device to compute on; what `auto` chose is told. It is tried out in a process of its own: where there is no GPU,
 * Vulkan and Dawn write warnings of their own to standard error, and a driver that ends the process ends that one only.
 * @throws UserError where the device asked for is not there.
 */
export async function openDevice(wanted: DeviceName | 'auto'): Promise<DeviceName> {
  const chosen = await findDevice(wanted);
  if (chosen.note !== undefined) note(chosen.note);
  return chosen.device;
}

/** The same for those who have more to check before they tell what `auto` chose. */
export const findDevice = (wanted: DeviceName | 'auto'): Promise<ChosenDevice> =>
  wanted === 'auto' ? triedOnce() : chooseDevice(wanted);

let tried: Promise<ChosenDevice> | undefined;

/** Drivers do not change while a process lives. */
function triedOnce(): Promise<ChosenDevice> {
  tried ??= tryApart();
  return tried;
}

/** @param program for tests: a program in place of the one that tries */
export function tryApart(program = fileURLToPath(new URL('./try-device.js', import.meta.url))): Promise<ChosenDevice> {
  return new Promise((resolve) => {
    execFile(process.execPath, [program], { timeout: longestTrial, encoding: 'utf8' }, (error, stdout, stderr) => {
      const parsed = parseChosen(stdout);
      if (error === null && parsed !== undefined) return resolve(parsed);
      const how =
        error?.killed === true ? 'did not answer' : `ended the process that tried it: ${reasonOf(error, stderr)}`;
      resolve({ device: 'cpu', note: `Using the CPU: WebGPU ${how}.` });
    });
  });
}

/** The last line of what was written, else how it ended. */
function reasonOf(error: (Error & { readonly signal?: string | null | undefined }) | null, stderr: string): string {
  const last = stderr.trim().split('\n').at(-1)?.trim() ?? '';
  return printable(last === '' ? (error?.signal ?? error?.message ?? 'it said nothing') : last, 200);
}

function parseChosen(text: string): ChosenDevice | undefined {
  try {
    return chosenSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}
