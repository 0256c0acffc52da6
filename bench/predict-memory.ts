/**
 * Whether memory stays flat however many pictures are read:
 * `node dist/bench/predict-memory.js [PICTURES] [--draw]`, best under `nice`.
 *
 * Makes that many pictures from the sample portrait (a hundred different ones under many names), runs `poster predict` on
 * their folder as a process of its own, and prints its resident memory by tenths of the run.
 */
import { spawn } from 'node:child_process';
import { link, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { residentMegabytes } from './resident.js';

const total = Number(process.argv[2] ?? 1500);
const drawing = process.argv.includes('--draw');
const distinct = Math.min(total, 100);
const main = fileURLToPath(new URL('../src/cli/main.js', import.meta.url));
const portrait = fileURLToPath(new URL('../../assets/astronaut.png', import.meta.url));

const folder = await mkdtemp(join(tmpdir(), 'poster-memory-'));
try {
  const paths: string[] = [];
  for (let i = 0; i < distinct; i++) {
    // Sizes differ from picture to picture, as photos' do: what is kept by size would show.
    const path = join(folder, `${i}.jpg`);
    await sharp(portrait)
      .resize(600 + ((i * 97) % 900), 500 + ((i * 61) % 700), { fit: 'cover', position: 'top' })
      .jpeg()
      .toFile(path);
    paths.push(path);
  }
  const inputs = join(folder, 'in');
  await mkdir(inputs);
  for (let i = 0; i < total; i++) await link(paths[i % distinct] ?? '', join(inputs, `${i}.jpg`));
  const draw = drawing ? ['--draw', join(folder, 'drawn')] : [];
  const start = performance.now();
  const child = spawn(process.execPath, [main, 'predict', inputs, '--jsonl', '--top', '1', ...draw], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const tenths: number[] = [];
  let [lines, faces, peak] = [0, 0, 0];
  for await (const line of createInterface({ input: child.stdout })) {
    lines++;
    if (line.includes('"expression"')) faces++;
    const now = residentMegabytes(child.pid ?? 0);
    peak = Math.max(peak, now);
    if (lines % Math.ceil(total / 10) === 0) tenths.push(now);
  }
  const seconds = (performance.now() - start) / 1000;
  console.log(`${lines} pictures, ${faces} with faces, ${(lines / seconds).toFixed(1)} a second`);
  console.log(`resident MB at each tenth: ${tenths.join(', ')}; highest ${peak}`);
} finally {
  await rm(folder, { recursive: true, force: true });
}
