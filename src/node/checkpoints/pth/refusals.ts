import { printable } from '../../../common/printable.js';
import { isObject, type PickleValue } from './pickle-values.js';

/** Entries of the list; a hostile file could ask for any number of calls. */
const maxRefusals = 20;

/** Modules whose functions act on the machine. Naming one is worth a word even where it is not called. */
const actingModules = new Set(
  (
    'os posix nt posixpath ntpath subprocess sys builtins __builtin__ runpy importlib imp pty shutil socket ctypes code ' +
    'codeop commands popen2 webbrowser pickle _pickle cPickle marshal types operator functools itertools pdb bdb cProfile ' +
    'profile timeit trace doctest asyncio multiprocessing threading signal platform tempfile urllib urllib2 http ' +
    'requests pip venv ensurepip io _io pathlib glob zipimport pkgutil pydoc inspect gc weakref joblib dill cloudpickle'
  ).split(' '),
);

/** Calls that only rebuild data; they are records here, and nobody needs to worry about them. */
const plainData = new RegExp(
  `^(${[
    'numpy\\._?core\\.(multiarray\\.(_reconstruct|scalar)|numeric\\._frombuffer)',
    'numpy\\.(dtype|ndarray|dtypes\\.\\w+|u?int\\w*|float\\w*|bool_?)',
    '(copy_reg|copyreg)\\._reconstructor',
    '(__builtin__|builtins)\\.(set|frozenset|list|dict|tuple|bytearray|complex|slice|range|object|int|float|str|bytes|bool)',
    'collections\\.\\w+|datetime\\.\\w+|decimal\\.Decimal|fractions\\.Fraction|uuid\\.UUID|argparse\\.Namespace',
    'pathlib\\.(Pure)?(Posix|Windows)?Path',
    // Curves of the published script, as `convert` writes its recorders too.
    '__main__\\.RecorderMeter1?',
    'torch\\.(device|dtype|Size)|torch\\.(_utils|_tensor)\\._rebuild_\\w+',
  ].join('|')})$`,
);

/** Calls that are put into words; most files have none, and one could have the same made half a million times. */
const maxDescribed = 1000;

/** Takes down, in words, what pickles asked for and did not get. */
export class Refusals {
  readonly #named = new Set<string>();
  readonly #called = new Set<string>();
  readonly #list = new Set<string>();
  readonly #plain = new Map<string, boolean>();
  #described = 0;

  /** A class or function was named. */
  named(name: string): void {
    const [module = ''] = name.split('.', 1);
    if (actingModules.has(module) && !this.#isPlain(name) && this.#named.size < maxRefusals) this.#named.add(name);
  }

  #isPlain(name: string): boolean {
    const plain = this.#plain.get(name) ?? plainData.test(name);
    this.#plain.set(name, plain);
    return plain;
  }

  /** A function or constructor was to be called (`call`), or an object made without its constructor (`new`). */
  called(name: string, args: readonly PickleValue[], how: 'call' | 'new'): void {
    if (this.#isPlain(name)) return;
    // Objects of a script's own classes are in every published checkpoint.
    if (how === 'new' && !this.#named.has(name)) return;
    this.#add(name, () => {
      const shownArgs = args.slice(0, 4).map(shown);
      return `${printable(name, 60)}(${shownArgs.join(', ')}${args.length > 4 ? ', …' : ''})`;
    });
  }

  /** An attribute of a class, a function or a module was to be set. */
  changed(name: string): void {
    if (!this.#isPlain(name)) this.#add(name, () => `setting attributes of ${printable(name, 60)}`);
  }

  #add(name: string, describe: () => string): void {
    if (this.#named.has(name)) this.#called.add(name);
    if (this.#list.size < maxRefusals && ++this.#described <= maxDescribed) this.#list.add(describe());
    else this.#list.add('…');
  }

  /** Calls such as `posix.system('rm -rf ~')`, and names that would be dangerous to call. No control characters. */
  list(): string[] {
    const only = [...this.#named].filter((name) => !this.#called.has(name));
    return [...this.#list, ...only.map((name) => `${printable(name, 60)} (named, not called)`)];
  }
}

function shown(value: PickleValue): string {
  if (typeof value === 'string') return `'${printable(value, 60)}'`;
  if (isObject(value)) return value.kind === 'global' ? printable(value.name, 60) : '…';
  return value === null ? 'None' : printable(String(value), 40);
}
