import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { build } from 'esbuild';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { z } from 'zod';
import { type CompilerError, compileErrors, newestTypeScript, oldestTypeScript } from './support/compile.js';
import { supportedNodes } from './support/node-versions.js';
import { type PackedProject, packageManifest, packedProject } from './support/packed-project.js';
import { expectations, scope } from './support/type-expectations.js';

/*
 * The library as others get it: packed, unpacked in a project that has nothing but what the package depends on, imported there by
 * Node, by TypeScript and by a bundler. The command: package.test.ts.
 */
const run = promisify(execFile);
const root = fileURLToPath(new URL('../../', import.meta.url));
const portrait = join(root, 'assets', 'astronaut.png');
const entries = Object.keys(packageManifest.exports)
  .filter((path) => path !== './package.json')
  .map((path) => path.replace(/^\./, 'poster-v2'));
let project: PackedProject;

const program = `import { Recognizer, type Recognition } from 'poster-v2';
import { renderSvg } from 'poster-v2/report';

const recognizer: Recognizer = await Recognizer.load();
const result: Recognition = await recognizer.recognize(process.argv[2] ?? '');
await recognizer.dispose();
console.log(result.faces.map(({ expression, lowContrast }) => [expression, lowContrast]).join(), typeof renderSvg);
`;

/**
 * The blocks of code in the documentation that import the package, by a name for their module.
 * @param info of the block: `js browser` is a program for browsers
 */
async function documentedPrograms(info: RegExp): Promise<Map<string, string>> {
  const pages = (await readdir(join(root, 'docs')))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`);
  const programs = new Map<string, string>();
  for (const page of ['README.md', ...pages]) {
    const blocks = (await readFile(join(root, page), 'utf8')).matchAll(/```([^\n]+)\n(.*?)```/gs);
    for (const [, given = '', code = ''] of blocks) {
      if (!info.test(given) || !/from 'poster-v2/.test(code)) continue;
      programs.set(`${page.replace(/\W/g, '-')}-${programs.size}.ts`, `${code}export {};\n`);
    }
  }
  return programs;
}

before(async () => {
  project = await packedProject();
});
after(() => rm(project.folder, { recursive: true, force: true }));

for (const { version, path, skip } of supportedNodes) {
  test(`Node ${version} imports every entry, and requires it`, { skip }, async () => {
    const code = `
      (async () => {
        const names = {};
        for (const entry of ${JSON.stringify(entries)}) {
          const required = Object.keys(require(entry)).sort();
          const imported = Object.keys(await import(entry)).sort();
          names[entry] = { required, imported };
        }
        console.log(JSON.stringify(names));
      })();`;
    await writeFile(join(project.folder, 'entries.cjs'), code);
    const { stdout } = await run(path, ['entries.cjs'], { cwd: project.folder });
    const names = z
      .record(z.string(), z.object({ required: z.array(z.string()), imported: z.array(z.string()) }))
      .parse(JSON.parse(stdout));
    assert.deepEqual(Object.keys(names), entries);
    for (const [entry, { required, imported }] of Object.entries(names)) {
      assert.ok(imported.length > 0, entry);
      assert.deepEqual(required, imported, entry);
    }
  });
}

/** In a module of CommonJS form, which TypeScript allows to import an ES module from 5.8 on. */
const commonJs = `import { Recognizer } from 'poster-v2';
export const load = (): Promise<Recognizer> => Recognizer.load();
`;
const nodeModules = ['--module', 'nodenext'];
const bundlerModules = ['--module', 'esnext', '--moduleResolution', 'bundler', '--noEmit'];
const alsoLibraries = ['--skipLibCheck', 'false'];
/** Types of some dependencies do not bear these, so that they are for ours alone. */
const strictest = ['--skipLibCheck', '--exactOptionalPropertyTypes', '--noUncheckedIndexedAccess'];
/** To check the types of all libraries takes ten seconds. Once is enough: as bundlers find them, they are with the program for browsers. */
const forms = [
  { form: [...nodeModules, ...alsoLibraries], more: ['common.cts'] },
  { form: [...bundlerModules, ...strictest], more: [] },
];
const compilers = [
  {
    name: 'the TypeScript of this project',
    typescript: newestTypeScript,
    commonJsErrors: [],
  },
  {
    name: 'the oldest TypeScript',
    typescript: oldestTypeScript,
    commonJsErrors: ['TS1479'],
  },
];

for (const { name, typescript, commonJsErrors } of compilers) {
  const missing = 'TypeScript 5.7 is not here; POSTER_TYPESCRIPT names its folder, as in .ci/run';
  const skip = typescript === undefined ? missing : false;
  const compile = (...args: string[]): CompilerError[] =>
    compileErrors(typescript ?? '', project.folder, ['--strict', '--target', 'es2022', ...args]);

  test(`${name} compiles the package's types with those it depends on, and programs of both forms against them`, {
    skip,
  }, async () => {
    const documented = await documentedPrograms(/^[jt]s$/);
    assert.ok(documented.size > 5);
    const uses = [scope.trim(), 'async function uses() {', ...expectations.map(({ code }) => `{ ${code} }`), '}'].join(
      '\n',
    );
    const programs = new Map([['main.ts', program], ['uses.ts', uses], ...documented]);
    for (const [file, code] of [...programs, ['common.cts', commonJs] as const])
      await writeFile(join(project.folder, file), code);
    const lines = uses.split('\n');
    const wrong = expectations.flatMap(({ code, error }) => (error === undefined ? [] : [`${error}: { ${code} }`]));
    for (const { form, more } of forms) {
      const errors = compile(...form, ...programs.keys(), ...more);
      assert.deepEqual(
        errors
          .filter(({ file }) => file !== 'common.cts')
          .map(({ file, line, code, message }) =>
            file === 'uses.ts' ? `${code}: ${lines[line - 1] ?? ''}` : `${file}(${line}): ${code} ${message}`,
          ),
        wrong,
        form.join(' '),
      );
      assert.deepEqual(
        errors.flatMap(({ file, code }) => (file === 'common.cts' ? [code] : [])),
        more.length === 0 ? [] : commonJsErrors,
      );
    }
    const { stdout } = await run(process.execPath, ['main.js', portrait], { cwd: project.folder });
    assert.equal(stdout, 'happiness,false function\n');
    await rm(join(project.folder, 'main.js'));
  });
}

const browserProgram = `import { bundledCheckpoint, configureRuntime, loadExplainer, type Recognition, Recognizer } from 'poster-v2';
import { graph, ops } from 'poster-v2/core';

configureRuntime({ wasmPaths: '/onnxruntime/' });
const recognizer = await Recognizer.load({ onProgress: ({ file, loaded, total = 0 }) => console.log(file, loaded / total) });
const results: Recognition[] = await recognizer.recognize([await (await fetch('photo.jpg')).blob()]);
const [canvas, video] = [document.querySelector('canvas'), document.querySelector('video')];
if (canvas && video) results.push(...await recognizer.recognize([canvas, video, new VideoFrame(video), 'photo.jpg']));
const explainer = await loadExplainer(await bundledCheckpoint());
await explainer.dispose();
document.body.append(results.map(({ faces }) => faces[0]?.expression).join(), graph.print(graph.graph({ y: ops.exp(graph.input('x', 'float32', [1])) })));
`;

test("a program for browsers compiles without Node's types, with those of the package and all that it depends on", async () => {
  const documented = await documentedPrograms(/^js browser$/);
  assert.ok(documented.size > 2);
  const programs = new Map([['browser.ts', browserProgram], ...documented]);
  for (const [file, code] of programs) await writeFile(join(project.folder, file), code);
  const options = [
    '--lib',
    'es2023,dom,dom.iterable',
    '--types',
    'onnxruntime-common',
    '--customConditions',
    'browser',
  ];
  const errors = compileErrors(newestTypeScript, project.folder, [
    ...['--strict', '--target', 'es2022', ...options, ...bundlerModules, ...alsoLibraries, ...programs.keys()],
  ]);
  assert.deepEqual(errors, []);
});

test('a bundler takes every entry, and leaves out what a program does not use', async () => {
  const bundle = async (code: string): Promise<string[]> => {
    const { metafile, warnings } = await build({
      stdin: { contents: code, resolveDir: project.folder, sourcefile: 'app.js' },
      absWorkingDir: project.folder,
      bundle: true,
      platform: 'node',
      format: 'esm',
      external: ['sharp', 'onnxruntime-node', '@mediapipe/face_detection'],
      metafile: true,
      write: false,
      logLevel: 'silent',
    });
    assert.deepEqual(warnings, []);
    const [{ inputs = {} } = {}] = Object.values(metafile.outputs);
    return Object.keys(inputs).filter((path) => (inputs[path]?.bytesInOutput ?? 0) > 0);
  };
  const all = entries.map((entry, i) => `export * as entry${i} from '${entry}';`).join('\n');
  assert.ok((await bundle(all)).length > 300);
  const files = await bundle(`import { UserError } from 'poster-v2'; throw new UserError('No face in it.');`);
  const own = files.filter((path) => path.startsWith('node_modules/') && !path.includes('/dist/src/entries/'));
  assert.deepEqual(own, ['node_modules/poster-v2/dist/src/common/errors.js']);
});

test('a bundler for browsers takes poster-v2 and poster-v2/core without anything of Node', async () => {
  const { warnings, metafile } = await build({
    stdin: {
      contents: "export * from 'poster-v2'; export * as core from 'poster-v2/core';",
      resolveDir: project.folder,
    },
    absWorkingDir: project.folder,
    bundle: true,
    platform: 'browser',
    format: 'esm',
    external: ['onnxruntime-web/*'],
    metafile: true,
    write: false,
    logLevel: 'silent',
  });
  assert.deepEqual(warnings, []);
  const ofNode = Object.keys(metafile.inputs).filter((path) => path.includes('/dist/src/node/'));
  assert.deepEqual(ofNode, []);
});

test('publint finds nothing to mend', async () => {
  const bytes = await readFile(project.tarball);
  const tarball = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length);
  const { messages, pkg } = await publint({ pack: { tarball }, strict: true });
  assert.deepEqual(
    messages.map((message) => formatMessage(message, pkg, { color: false })),
    [],
  );
});

test('are the types wrong? Not for programs of ES modules, nor for bundlers', async () => {
  const result = await checkPackage(createPackageFromTarballData(await readFile(project.tarball)));
  assert.ok(result.types !== false);
  assert.equal(Object.keys(result.entrypoints).length, entries.length + 1);
  /*
   * The profile `esm-only`. Left out are TypeScript's resolution of Node 10, which does not read `exports`, and programs of CommonJS
   * form: Node requires ES modules from 22.12 on, and TypeScript from 5.8 on, but this tool counts it as an error.
   */
  const found = result.problems.map((problem) => ({
    kind: problem.kind,
    under:
      'resolutionKind' in problem
        ? problem.resolutionKind
        : 'resolutionOption' in problem
          ? problem.resolutionOption
          : '',
  }));
  assert.deepEqual(
    found.filter(({ under }) => under !== 'node10' && under !== 'node16-cjs'),
    [],
  );
});
