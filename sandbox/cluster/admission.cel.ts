import { Environment } from '@marcbachmann/cel-js';
import type { AdmissionPolicy } from './admission.schema.js';
import { isObject } from './json.value.js';

/** What expressions see of a request (admission.k8s.io/v1 AdmissionRequest, as far as it is played). */
export interface AdmissionFacts {
  readonly object: unknown;
  readonly oldObject: unknown;
  readonly request: {
    readonly operation: 'UPDATE' | 'CONNECT';
    readonly name: string;
    readonly namespace: string;
    readonly resource: {
      readonly group: string;
      readonly version: string;
      readonly resource: string;
    };
    readonly subResource: string;
    readonly userInfo: {
      readonly username: string;
      readonly groups: readonly string[];
      readonly extra?: Readonly<Record<string, readonly string[]>>;
    };
  };
}

/** An expression that cannot be compiled, or has not the type that its place needs. */
export class ExpressionError extends Error {}

type Run = (facts: object) => unknown;

const environment = new Environment({ homogeneousAggregateLiterals: false });
for (const name of ['object', 'oldObject', 'request', 'params', 'variables']) {
  environment.registerVariable(name, 'dyn');
}

/** @throws ExpressionError */
function compiled(expression: string, type: 'bool' | 'string' | 'dyn'): Run {
  const check = environment.check(expression);
  if (!check.valid) throw new ExpressionError(`${expression}: ${check.error?.message ?? ''}`);
  const isOfType = type === 'dyn' || check.type === type || check.type === 'dyn';
  if (!isOfType) throw new ExpressionError(`${expression}: is ${check.type ?? ''}, not ${type}`);
  const parsed = environment.parse(expression);
  return (facts): unknown => parsed(facts);
}

/** The expressions of a policy, ready to be evaluated. */
export class CompiledPolicy {
  private readonly variables: readonly { readonly name: string; readonly run: Run }[];
  private readonly validations: readonly Run[];
  private readonly annotations: readonly { readonly key: string; readonly run: Run }[];

  /** @throws ExpressionError */
  constructor(readonly policy: AdmissionPolicy) {
    const { variables, validations, auditAnnotations } = policy.spec;
    this.variables = variables.map((it) => ({
      name: it.name,
      run: compiled(it.expression, 'dyn'),
    }));
    this.validations = validations.map((it) => compiled(it.expression, 'bool'));
    this.annotations = auditAnnotations.map((it) => ({
      key: it.key,
      run: compiled(it.valueExpression, 'string'),
    }));
  }

  /** For each validation, in order: whether it holds, or the error that it ended in. */
  evaluate(
    facts: AdmissionFacts,
    params: unknown,
  ): { readonly results: (boolean | Error)[]; readonly annotations: Record<string, string> } {
    const seen = {
      object: celValue(facts.object),
      oldObject: celValue(facts.oldObject),
      request: celValue(facts.request),
      params: celValue(params),
      variables: {},
    };
    seen.variables = this.lazily(seen);
    const results = this.validations.map((run) => attempt(() => run(seen) === true));
    const annotations: Record<string, string> = {};
    for (const { key, run } of this.annotations) {
      const value = attempt(() => run(seen));
      // An empty one is left out, as the API server does.
      if (typeof value === 'string' && value !== '') {
        annotations[`${this.policy.metadata.name}/${key}`] = value;
      }
    }
    return { results, annotations };
  }

  /** Each variable is evaluated where it is first used, if it is: it may refer to those before it. */
  private lazily(seen: object): object {
    const known = new Map<string, unknown>();
    const variables = {};
    for (const { name, run } of this.variables) {
      Object.defineProperty(variables, name, {
        enumerable: true,
        get: () => {
          if (!known.has(name)) known.set(name, run(seen));
          return known.get(name);
        },
      });
    }
    return variables;
  }
}

function attempt<T>(run: () => T): T | Error {
  try {
    return run();
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

/** JSON as CEL has it: whole numbers are ints. */
function celValue(value: unknown): unknown {
  if (typeof value === 'number') return Number.isInteger(value) ? BigInt(value) : value;
  if (Array.isArray(value)) return value.map(celValue);
  if (!isObject(value)) return value ?? null;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, it]) => it !== undefined)
      .map(([key, it]) => [key, celValue(it)]),
  );
}
