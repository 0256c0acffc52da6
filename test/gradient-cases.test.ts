import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Attribute, Node } from '../src/graph/index.js';
import * as ops from '../src/ops/index.js';
import { floats, type HostTensor } from '../src/runtime/index.js';
import { attributeCases, withoutGradient } from './gradients/cases.js';
import { type Built, buildCheck, type Differences, differences, evaluate, feeds } from './gradients/differences.js';
import { networkChecks } from './gradients/network-checks.js';
import { errorsOf, gradientsOf, tolerance, withRules } from './gradients/rules.js';
import { tensorChecks } from './gradients/tensor-checks.js';

/** A node that a check differentiates, and of which of its inputs the gradient is asked for. */
interface Use {
  readonly one: Built;
  readonly op: ops.OperationName;
  readonly node: Node;
  readonly asked: ReadonlySet<number>;
}

/** The product with the weights of the loss and its sum, which are in every check. */
function isOfLoss({ weights }: Built, node: Node): boolean {
  const [first] = node.inputs;
  const from = first?.source.kind === 'node' ? first.source.node.inputs : [];
  return node.inputs.includes(weights) || from.includes(weights);
}

function usesOf(one: Built): Use[] {
  const uses: Use[] = [];
  withRules(
    (op, rule) => (context) => {
      const results = rule(context);
      const asked = new Set(results.flatMap((result, i) => (result && context.wants[i] ? [i] : [])));
      if (!isOfLoss(one, context.node)) uses.push({ one, op, node: context.node, asked });
      return results;
    },
    () => gradientsOf(one),
  );
  return uses;
}

const built = [...tensorChecks, ...networkChecks].map(buildCheck);
const uses = built.flatMap(usesOf);
const usesIn = (op: ops.OperationName): Use[] => uses.filter((use) => use.op === op);
const differentiable = ops.operationNames.filter((op) => typeof ops.operations[op].gradient === 'function');

type AnyCases = {
  readonly classes: Readonly<Record<string, (value: unknown, all: unknown) => boolean>>;
  readonly noInfluence?: string;
};
const casesOf = (op: ops.OperationName): [name: string, cases: AnyCases][] =>
  Object.entries((attributeCases as Readonly<Record<string, object>>)[op] ?? {});

const attributeOf = (node: Node, name: string): unknown => node.attributes[name]?.value;
function classesOf({ classes }: AnyCases, node: Node, name: string): string[] {
  const all = Object.fromEntries(Object.entries(node.attributes).map(([key, { value }]) => [key, value]));
  return Object.keys(classes).filter((key) => classes[key]?.(attributeOf(node, name), all));
}

test('the cases are those of the operations that have a rule, and of all of their attributes', () => {
  assert.deepEqual(Object.keys(attributeCases).sort(), [...differentiable].sort());
  for (const op of differentiable) {
    const declared = ops.declarations[op].attributes.map(({ name }) => name);
    assert.deepEqual(
      casesOf(op)
        .map(([name]) => name)
        .sort(),
      declared.sort(),
      op,
    );
  }
});

test('every class of values of every attribute is in a check, and every value in one class', () => {
  const missing: string[] = [];
  for (const op of differentiable) {
    for (const [name, cases] of casesOf(op)) {
      const found = usesIn(op).map(({ one, node }) => {
        const classes = classesOf(cases, node, name);
        assert.equal(
          classes.length,
          1,
          `${name} = ${attributeOf(node, name)} of ${op} in ${one.check.name}: ${classes}`,
        );
        return classes[0];
      });
      for (const key of Object.keys(cases.classes))
        if (!found.includes(key)) missing.push(`${op} with ${name}: ${key}`);
    }
  }
  assert.deepEqual(missing, []);
});

test('every optional input is in a check, and left out in another', () => {
  const missing: string[] = [];
  for (const op of differentiable) {
    ops.declarations[op].inputs.forEach(({ name, optional }, i) => {
      if (!optional) return;
      const given = usesIn(op).map(({ node }) => node.inputs[i] !== undefined);
      if (!given.includes(true)) missing.push(`${op} with ${name}`);
      if (!given.includes(false)) missing.push(`${op} without ${name}`);
    });
  }
  assert.deepEqual(missing, []);
});

test('the gradient of every input of floating point is in a check, or there is a reason why it has none', () => {
  const missing: string[] = [];
  const refused = new Set(Object.keys(withoutGradient));
  for (const op of differentiable) {
    ops.declarations[op].inputs.forEach(({ name, kind }, i) => {
      if (!['float', 'number', 'any'].includes(kind)) return;
      const asked = usesIn(op).some((use) => use.asked.has(i));
      if (refused.delete(`${op} ${name}`)) assert.ok(!asked, `${op} gives a gradient for ${name}`);
      else if (!asked) missing.push(`${op} ${name}`);
    });
  }
  assert.deepEqual(missing, []);
  assert.deepEqual([...refused], [], 'reasons for inputs that do not exist');
});

/** A rule that takes a node for another one, and the checks that should notice. */
interface Mutant {
  readonly what: string;
  readonly op: ops.OperationName;
  readonly candidates: readonly Built[];
  readonly mistake: (node: Node) => Node;
}

function* mutants(): Iterable<Mutant> {
  for (const op of differentiable) {
    const own = usesIn(op);
    const checksWith = (fits: (use: Use) => boolean): Built[] => [...new Set(own.filter(fits).map(({ one }) => one))];
    for (const [name, cases] of casesOf(op)) {
      if (cases.noInfluence !== undefined) continue;
      for (const key of Object.keys(cases.classes)) {
        const isIn = (node: Node): boolean => classesOf(cases, node, name).includes(key);
        const written = ({ node }: Use): string => String(attributeOf(node, name));
        const inClass = new Set(own.filter(({ node }) => isIn(node)).map(written));
        const other = own.find((use) => !inClass.has(written(use)))?.node.attributes[name];
        if (other === undefined) continue;
        const mistake = (node: Node): Node =>
          isIn(node) ? { ...node, attributes: { ...node.attributes, [name]: other satisfies Attribute } } : node;
        const what = `${op} with ${name} ${key} taken for ${other.value}`;
        yield { what, op, candidates: checksWith(({ node }) => isIn(node)).slice(0, 6), mistake };
      }
    }
    for (const [i, { name, optional }] of ops.declarations[op].inputs.entries()) {
      if (!optional || withoutGradient[`${op} ${name}`] === undefined) continue;
      const mistake = (node: Node): Node => ({
        ...node,
        inputs: node.inputs.map((value, j) => (i === j ? undefined : value)),
      });
      yield {
        what: `${op} without its ${name}`,
        op,
        candidates: checksWith(({ node }) => node.inputs[i] !== undefined),
        mistake,
      };
    }
  }
}

/** Whether a check fails with a rule that sees another node; where shapes no longer fit, there is no result at all. */
async function notices(one: Built, slopes: Differences, { op: mutated, mistake }: Mutant): Promise<boolean> {
  const wrong = (op: ops.OperationName, rule: ops.GradientRule): ops.GradientRule =>
    op === mutated ? (context) => rule({ ...context, node: mistake(context.node) }) : rule;
  let results: ReadonlyMap<string, HostTensor>;
  try {
    const found = withRules(wrong, () => gradientsOf(one));
    const outputs = new Map([...found].map(([key, value]) => [`d ${key}`, value]));
    results = await evaluate(outputs, feeds([one]), { device: 'cpu' });
  } catch {
    return true;
  }
  const errors = errorsOf(one, slopes, (key) => {
    const result = results.get(`d ${key}`);
    return result && floats(result);
  });
  return Math.max(...errors.values()) > 2 * tolerance(one);
}

test('a rule that does not look at an attribute or an optional input fails a check', async () => {
  const all = [...mutants()];
  assert.ok(all.length > 20);
  const slopes = await differences([...new Set(all.flatMap(({ candidates }) => candidates))]);
  for (const mutant of all) {
    const [first] = mutant.candidates;
    assert.ok(first, mutant.what);
    const right = { ...mutant, mistake: (node: Node) => node };
    assert.ok(!(await notices(first, slopes, right)), `${first.check.name} fails without ${mutant.what}`);
    const noticed = await Promise.all(mutant.candidates.map((one) => notices(one, slopes, mutant)));
    assert.ok(noticed.includes(true), `no check notices ${mutant.what}`);
  }
});
