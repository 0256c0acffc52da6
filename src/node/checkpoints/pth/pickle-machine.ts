import { itemAt } from '../../../common/item-at.js';
import { checkName, PickleBudget } from './pickle-limits.js';
import { PickleError, type PickleReader } from './pickle-reader.js';
import { isObject, type PickleGlobal, type PickleRecord, type PickleValue } from './pickle-values.js';
import type { Refusals } from './refusals.js';

/** Knows the few calls that are data in disguise. */
export interface Builder {
  /**
   * What calling `name` gives, made without calling; `undefined` for everything that is not known to be plain data.
   * @param budget takes what is copied: a file can have one list copied any number of times
   */
  call(name: string, args: readonly PickleValue[], budget: PickleBudget): PickleValue | undefined;
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
  /** By number. No map: V8's hash of a number is known, and numbers that fall together make one as slow as a list. */
  readonly #memo: (PickleValue | undefined)[] = [];
  #remembered = 0;
  /** By module, then by name, so that naming one again copies nothing. */
  readonly #globals = new Map<string, Map<string, PickleGlobal>>();
  readonly #budget = new PickleBudget();

  constructor(reader: PickleReader, builder: Builder, refusals: Refusals) {
    this.reader = reader;
    this.builder = builder;
    this.refusals = refusals;
  }

  push(value: PickleValue): void {
    this.#budget.limit(this.#stack.push(value));
    this.#budget.spend(1);
  }

  /** Pushes something that takes memory of its own. */
  make(value: PickleValue): void {
    this.#budget.object();
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
    this.#budget.limit(this.#marks.push(this.#stack.length));
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

  /** Without a number: the next one, as Python counts. Picklers count up, so that none is beyond what a pickle may keep. */
  remember(index: number | bigint = this.#remembered): void {
    if (typeof index !== 'number' || index < 0) throw new PickleError('it numbers an object wrongly');
    const value = this.top();
    this.#budget.limit(index + 1);
    while (this.#memo.length < index) this.#memo.push(undefined);
    if (this.#memo[index] === undefined) this.#remembered++;
    this.#memo[index] = value;
  }

  recall(index: number | bigint): void {
    const value = typeof index === 'number' ? this.#memo[index] : undefined;
    if (value === undefined) throw new PickleError(`it refers to object ${index}, which is not there`);
    this.push(value);
  }

  global(module: PickleValue, name: PickleValue): void {
    if (typeof module !== 'string' || typeof name !== 'string') throw new PickleError('it names a class wrongly');
    const known = this.#globals.get(module) ?? new Map<string, PickleGlobal>();
    this.#globals.set(module, known);
    const found = known.get(name) ?? this.#newGlobal(module, name);
    known.set(name, found);
    this.make(found);
  }

  #newGlobal(module: string, name: string): PickleGlobal {
    checkName(module, 'the name of a module');
    checkName(name, 'the name of a class');
    this.#budget.spend((module.length + name.length) / 8);
    const full = `${module}.${name}`;
    this.refusals.named(full);
    return { kind: 'global', name: full };
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
    const built = name === undefined ? undefined : this.builder.call(name, args, this.#budget);
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
    fill(target.entries, items, this.#budget);
  }

  dict(items: readonly PickleValue[]): void {
    const entries = new Map<PickleValue, PickleValue>();
    fill(entries, items, this.#budget);
    this.make({ kind: 'dict', entries });
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

/**
 * Puts keys and values, one after the other, into a dict. Numbers as keys cost by the number of entries: V8's hash of a
 * number is known, so that a file could have each of them compared with all others. Published ones: 1,000 in a dict.
 */
export function fill(entries: PickleRecord['entries'], items: readonly PickleValue[], budget: PickleBudget): void {
  if (items.length % 2 !== 0) throw new PickleError('it has a dict with a key and no value');
  for (let i = 0; i < items.length; i += 2) {
    const key = itemAt(items, i);
    if (typeof key === 'string') checkName(key, 'a key');
    else if (typeof key === 'number' || typeof key === 'bigint') budget.spend(entries.size / 64);
    entries.set(key, itemAt(items, i + 1));
  }
}
