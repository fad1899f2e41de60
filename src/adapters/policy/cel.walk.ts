import type { ASTNode } from '@marcbachmann/cel-js';
import type { Facts } from '../../domain/policy/facts.js';
import { FACTS, isFact } from './cel.facts.js';
import type { Offered } from './cel.functions.js';
import { FUNCTIONS, METHODS } from './cel.functions.js';
import { LIMITS, STEPS } from './cel.limits.js';
import { itemsOf, loopResult, LOOPS } from './cel.loops.js';
import { operatorResult, operatorSteps } from './cel.operators.js';
import { notOffered, shortened, tooManySteps, unknownName } from './cel.refusals.js';
import type { Shape } from './cel.shapes.js';
import { BOOL, DOUBLE, either, INT, list, text } from './cel.shapes.js';

export interface ConditionError {
  /** Where in the source, from 0. */
  readonly offset: number;
  readonly message: string;
}

/** The value of a part of an expression, and what it takes at worst. */
interface Part {
  /** Undefined where it cannot be told: there is an error in it, or its types do not go together. */
  readonly shape: Shape | undefined;
  readonly steps: number;
}

/** The variables of loops around a part. */
type Scope = ReadonlyMap<string, Shape | undefined>;
type NodeOf<Op extends ASTNode['op']> = Extract<ASTNode, { op: Op }>;

const INT_MAX = 9_223_372_036_854_775_807n;

/**
 * Goes once through an expression, before the engine checks its types: names, what of the engine is offered, what it
 * takes at worst. Texts that `matches` and others are given are replaced in place by what was made of them.
 */
export class Walk {
  readonly errors: ConditionError[] = [];
  readonly uses = new Set<keyof Facts>();
  readonly onCallSources = new Set<string>();
  /** Errors that count only if the types are right: the sizes of what is wrong cannot be told. */
  readonly tooDear: ConditionError[] = [];
  private readonly failure: number;

  constructor(
    private readonly source: string,
    private readonly known: { readonly onCallSources: ReadonlySet<string> },
  ) {
    this.failure = STEPS.failure(source.length);
  }

  visit(node: ASTNode, scope: Scope = new Map()): Part {
    const { shape, steps } = this.part(node, scope);
    if (steps > LIMITS.steps && this.tooDear.length === 0) {
      this.tooDear.push({ offset: node.start, message: tooManySteps(steps) });
    }
    return { shape, steps };
  }

  private part(node: ASTNode, scope: Scope): Part {
    switch (node.op) {
      case 'value':
        return this.literal(node);
      case 'id':
        return this.variable(node, scope);
      case '.':
        return this.field(node, scope);
      case '[]':
        return this.element(node, scope);
      case 'call':
        return this.call(node, scope);
      case 'rcall':
        return this.method(node, scope);
      case 'list':
        return this.list(node, scope);
      case '?:': {
        const parts = node.args.map((it) => this.visit(it, scope));
        return { shape: either(parts[1]?.shape, parts[2]?.shape), steps: sum(parts) };
      }
      case '!_':
      case '-_': {
        const { shape, steps } = this.visit(node.args, scope);
        return { shape, steps: steps + STEPS.node };
      }
      case '&&':
      case '||': {
        const steps = sum(node.args.map((it) => this.visit(it, scope)));
        return { shape: BOOL, steps };
      }
      case 'map':
        return this.refuse(node.start, 'maps cannot be written in expressions');
      case '.?':
      case '[?]':
        return this.refuse(node.start, 'optional fields are not offered: use has()');
      case '==':
      case '!=':
      case '<':
      case '<=':
      case '>':
      case '>=':
      case 'in':
      case '+':
      case '-':
      case '*':
      case '/':
      case '%': {
        const [left, right] = node.args;
        const parts = [this.visit(left, scope), this.visit(right, scope)] as const;
        const shapes = [parts[0].shape, parts[1].shape] as const;
        return {
          shape: operatorResult(node.op, ...shapes),
          steps: sum(parts) + operatorSteps(node.op, ...shapes, this.failure),
        };
      }
    }
  }

  private literal(node: NodeOf<'value'>): Part {
    const value = node.args;
    const steps = STEPS.node;
    if (typeof value === 'string') return { shape: text(value.length), steps };
    if (typeof value === 'boolean') return { shape: BOOL, steps };
    if (typeof value === 'number') return { shape: DOUBLE, steps };
    if (value === null) return { shape: { kind: 'null' }, steps };
    if (typeof value !== 'bigint') {
      return this.refuse(node.start, 'bytes and unsigned numbers are not offered');
    }
    if (value > INT_MAX) return this.refuse(node.start, 'the number is larger than 64 bits');
    return { shape: INT, steps };
  }

  private variable(node: NodeOf<'id'>, scope: Scope): Part {
    const name = node.args;
    if (scope.has(name)) return { shape: scope.get(name), steps: STEPS.node };
    if (!isFact(name)) {
      return this.unknown(node.start, name, [...scope.keys(), ...Object.keys(FACTS)]);
    }
    if (name === 'onCall') {
      return this.refuse(node.start, "onCall must be asked for one source: onCall['name']");
    }
    this.uses.add(name);
    return { shape: FACTS[name].shape, steps: STEPS.node };
  }

  private field(node: NodeOf<'.'>, scope: Scope): Part {
    const [on, name] = node.args;
    if (isOnCall(on)) return this.onCall(name, node.pos);
    const { shape, steps } = this.visit(on, scope);
    if (shape?.kind === 'object') {
      if (!Object.hasOwn(shape.fields, name)) {
        return this.unknown(node.pos, name, Object.keys(shape.fields));
      }
      const field = shape.fields[name];
      const mayBeMissing = field?.shape.kind === 'duration';
      return {
        shape: field?.shape,
        steps: steps + (mayBeMissing ? this.failure : STEPS.notKnown),
      };
    }
    return { shape: shape?.kind === 'map' ? shape.of : undefined, steps: steps + this.failure };
  }

  private element(node: NodeOf<'[]'>, scope: Scope): Part {
    const [on, key] = node.args;
    if (isOnCall(on)) {
      if (key.op === 'value' && typeof key.args === 'string') {
        return this.onCall(key.args, key.start);
      }
      return this.refuse(key.start, 'the name of an on-call source must be written as a text');
    }
    const parts = [this.visit(on, scope), this.visit(key, scope)] as const;
    const { shape } = parts[0];
    if (shape?.kind === 'object') {
      return this.refuse(key.start, 'its fields are read with a dot');
    }
    const of = shape?.kind === 'map' || shape?.kind === 'list' ? shape.of : undefined;
    return { shape: of, steps: sum(parts) + this.failure };
  }

  private onCall(name: string, offset: number): Part {
    if (!this.known.onCallSources.has(name)) {
      return this.unknown(offset, name, [...this.known.onCallSources], 'on-call source');
    }
    this.uses.add('onCall');
    this.onCallSources.add(name);
    return { shape: BOOL, steps: this.failure };
  }

  private call(node: NodeOf<'call'>, scope: Scope): Part {
    const [name, args] = node.args;
    const [path] = args;
    if (name === 'has' && path && args.length === 1) return this.has(path, scope);
    const offered = FUNCTIONS.get(`${name}/${args.length}`);
    if (!offered) {
      const names = [...FUNCTIONS.keys(), 'has/1'];
      return this.refuse(node.start, notOffered(name, args.length, names));
    }
    return this.offered({ node, offered, on: undefined, args, scope });
  }

  private has(path: ASTNode, scope: Scope): Part {
    if (path.op !== '.')
      return this.refuse(path.start, 'has() takes a field: has(target.labels.team)');
    if (isOnCall(path.args[0])) {
      return this.refuse(path.start, "onCall must be asked for one source: onCall['name']");
    }
    // Where it ends is looked up without failing.
    const { steps } = this.visit(path, scope);
    return { shape: BOOL, steps: Math.max(0, steps - this.failure) + STEPS.notKnown };
  }

  private method(node: NodeOf<'rcall'>, scope: Scope): Part {
    const [name, on, args] = node.args;
    if (LOOPS.get(name)?.includes(args.length) === true) return this.loop(node, scope);
    const offered = METHODS.get(`${name}/${args.length}`);
    if (offered) return this.offered({ node, offered, on, args, scope });
    const offset = Math.max(node.start, this.source.indexOf(name, on.end));
    const loops = [...LOOPS].flatMap(([loop, counts]) => counts.map((it) => `${loop}/${it}`));
    return this.refuse(offset, notOffered(name, args.length, [...METHODS.keys(), ...loops]));
  }

  private offered(call: {
    node: NodeOf<'call' | 'rcall'>;
    offered: Offered;
    on: ASTNode | undefined;
    args: readonly ASTNode[];
    scope: Scope;
  }): Part {
    const { node, offered, scope } = call;
    const on = call.on && this.visit(call.on, scope);
    const args = call.args.map((it) => this.visit(it, scope));
    const last = call.args.at(-1);
    if (offered.literal && last) this.takeLiteral(node, offered.literal, last);
    const shapes = { on: on?.shape, args: args.map((it) => it.shape), failure: this.failure };
    return {
      shape: offered.result(shapes),
      steps: sum([...(on ? [on] : []), ...args]) + offered.steps(shapes),
    };
  }

  private takeLiteral(
    node: NodeOf<'call' | 'rcall'>,
    literal: NonNullable<Offered['literal']>,
    given: ASTNode,
  ): void {
    const name = node.args[0];
    if (given.op !== 'value' || typeof given.args !== 'string') {
      this.refuse(given.start, `${name}() takes ${literal.what} that is written as a text`);
      return;
    }
    const checked = literal.check(given.args);
    if ('error' in checked) {
      this.refuse(given.start, `"${shortened(given.args)}" ${checked.error}`);
    } else if (checked.instead) {
      node.args[0] = checked.instead.method;
      Object.assign(given, { args: checked.instead.value });
    }
  }

  private loop(node: NodeOf<'rcall'>, scope: Scope): Part {
    const [name, on, [variable, ...bodies]] = node.args;
    const range = this.visit(on, scope);
    if (variable?.op !== 'id') throw new Error('the parser lets only names be variables of loops');
    if (scope.size >= LIMITS.loops) {
      return this.refuse(node.start, `loops must not be nested deeper than ${LIMITS.loops}`);
    }
    if (scope.has(variable.args) || Object.hasOwn(FACTS, variable.args)) {
      return this.refuse(variable.start, `"${variable.args}" has a meaning already`);
    }
    const turns = itemsOf(range.shape);
    const within = new Map([...scope, [variable.args, turns.item]]);
    const parts = bodies.map((it) => this.visit(it, within));
    return {
      shape: loopResult(name, turns, parts.at(-1)?.shape),
      steps: range.steps + turns.items * (STEPS.turn + sum(parts)),
    };
  }

  private list(node: NodeOf<'list'>, scope: Scope): Part {
    const parts = node.args.map((it) => this.visit(it, scope));
    const [first, ...others] = parts.map((it) => it.shape);
    const of = parts.length === 0 ? BOOL : others.reduce(either, first);
    return { shape: of && list(parts.length, of), steps: sum(parts) + parts.length };
  }

  private unknown(offset: number, name: string, names: readonly string[], what = 'fact'): Part {
    return this.refuse(offset, unknownName(what, name, names));
  }

  private refuse(offset: number, message: string): Part {
    this.errors.push({ offset, message });
    return { shape: undefined, steps: STEPS.node };
  }
}

function isOnCall(node: ASTNode): boolean {
  return node.op === 'id' && node.args === 'onCall';
}

function sum(parts: readonly Part[]): number {
  return parts.reduce<number>((steps, part) => steps + part.steps, STEPS.node);
}
