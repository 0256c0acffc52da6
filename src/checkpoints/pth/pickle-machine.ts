import { PickleError, type PickleReader } from './pickle-reader.js';
import { isObject, type PickleRecord, type PickleValue } from './pickle-values.js';
import type { Refusals } from './refusals.js';

/** Bytes of one pickle, tensors apart. Those of published checkpoints have 0.2 MB. */
export const maxPickleBytes = 16 * 1024 * 1024;
/** Objects that one pickle makes, and entries of its stack and its memo. Published checkpoints: 20,000. */
export const maxPickleObjects = 500_000;
/** Values that one pickle puts on its stack, those of long lists of numbers included. */
const maxPickleValues = 2_000_000;

/** Knows the few calls that are data in disguise. */
export interface Builder {
  /** What calling `name` gives, made without calling; `undefined` for everything that is not known to be plain data. */
  call(name: string, args: readonly PickleValue[]): PickleValue | undefined;
  /** What a persistent id stands for: PyTorch keeps storages outside of the pickle. */
  persistent(id: PickleValue): PickleValue;
}

/** The state of reading one pickle, and what the operations do to it. */
export class Machine {
  readonly reader: PickleReader;
  readonly builder: Builder;
  readonly refusals: Refusals;
  readonly #stack: PickleValue[] = [];
  /** Heights of the stack at the marks. */
  readonly #marks: number[] = [];
  readonly #memo = new Map<number, PickleValue>();
  #objects = 0;
  #values = 0;

  constructor(reader: PickleReader, builder: Builder, refusals: Refusals) {
    this.reader = reader;
    this.builder = builder;
    this.refusals = refusals;
  }

  #limit(count: number): void {
    if (count > maxPickleObjects) throw new PickleError(`it has more than ${maxPickleObjects} objects`);
  }

  push(value: PickleValue): void {
    this.#limit(this.#stack.push(value));
    if (++this.#values > maxPickleValues) throw new PickleError(`it has more than ${maxPickleValues} values`);
  }

  /** Pushes something that takes memory of its own. */
  make(value: PickleValue): void {
    this.#limit(++this.#objects);
    this.push(value);
  }

  #floor(): number {
    return this.#marks.at(-1) ?? 0;
  }

  pop(): PickleValue {
    const value = this.#stack.length > this.#floor() ? this.#stack.pop() : undefined;
    if (value === undefined) throw new PickleError('it takes a value that is not there');
    return value;
  }

  top(): PickleValue {
    const value = this.#stack.length > this.#floor() ? this.#stack.at(-1) : undefined;
    if (value === undefined) throw new PickleError('it takes a value that is not there');
    return value;
  }

  mark(): void {
    this.#limit(this.#marks.push(this.#stack.length));
  }

  /** Everything above the last mark. */
  popToMark(): PickleValue[] {
    const height = this.#marks.pop();
    if (height === undefined) throw new PickleError('it takes a mark that is not there');
    return this.#stack.splice(height);
  }

  /** Drops the top value, or the mark where there is none above it. */
  drop(): void {
    if (this.#marks.length > 0 && this.#stack.length === this.#floor()) this.#marks.pop();
    else this.pop();
  }

  remember(index: number | bigint = this.#memo.size): void {
    if (typeof index !== 'number' || index < 0) throw new PickleError('it numbers an object wrongly');
    this.#memo.set(index, this.top());
    this.#limit(this.#memo.size);
  }

  recall(index: number | bigint): void {
    const value = typeof index === 'number' ? this.#memo.get(index) : undefined;
    if (value === undefined) throw new PickleError(`it refers to object ${index}, which is not there`);
    this.push(value);
  }

  global(module: PickleValue, name: PickleValue): void {
    if (typeof module !== 'string' || typeof name !== 'string') throw new PickleError('it names a class wrongly');
    this.make({ kind: 'global', name: `${module}.${name}` });
    this.refusals.named(`${module}.${name}`);
  }

  globalFromLines(): void {
    const module = this.reader.line();
    this.global(module, this.reader.line());
  }

  globalFromStack(): void {
    const name = this.pop();
    this.global(this.pop(), name);
  }

  /** `how`: a call runs the function or the constructor; `new` only makes an object. */
  call(callee: PickleValue, args: readonly PickleValue[], how: 'call' | 'new'): void {
    const name = isObject(callee) && callee.kind === 'global' ? callee.name : undefined;
    const built = name === undefined ? undefined : this.builder.call(name, args);
    if (built !== undefined) {
      this.make(built);
      return;
    }
    const className = name ?? 'an object';
    this.refusals.called(className, args, how);
    this.make({ kind: 'record', className, args, state: undefined, items: [], entries: new Map() });
  }

  /** Calls with the tuple on top what lies below it. */
  callTop(how: 'call' | 'new'): void {
    const args = this.pop();
    if (!isObject(args) || args.kind !== 'tuple') throw new PickleError('it calls something without a tuple');
    this.call(this.pop(), args.items, how);
  }

  /** A tuple of the topmost values. */
  tuple(length: number): void {
    const items = Array.from({ length }, () => this.pop()).reverse();
    this.make({ kind: 'tuple', items });
  }

  append(items: readonly PickleValue[]): void {
    const target = this.top();
    if (!isObject(target) || !(target.kind === 'list' || target.kind === 'set' || target.kind === 'record')) {
      throw new PickleError('it appends to something that is no list');
    }
    for (const item of items) target.items.push(item);
  }

  appendOne(): void {
    const item = this.pop();
    this.append([item]);
  }

  setItems(items: readonly PickleValue[]): void {
    const target = this.top();
    if (!isObject(target) || !('entries' in target)) throw new PickleError('it sets an entry of what is no dict');
    fill(target.entries, items);
  }

  setOne(): void {
    const value = this.pop();
    const key = this.pop();
    this.setItems([key, value]);
  }

  build(): void {
    const state = this.pop();
    const target = this.top();
    if (!isObject(target)) return;
    if (target.kind === 'record') target.state = state;
    // Setting an attribute of a class or module changes the program that reads the pickle.
    if (target.kind === 'global') this.refusals.changed(target.name);
  }
}

export function fill(entries: PickleRecord['entries'], items: readonly PickleValue[]): void {
  if (items.length % 2 !== 0) throw new PickleError('it has a dict with a key and no value');
  for (let i = 0; i < items.length; i += 2) entries.set(items[i] ?? null, items[i + 1] ?? null);
}
