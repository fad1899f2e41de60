import { parseAllDocuments } from 'yaml';
import type { AdmissionFacts } from './admission.cel.js';
import { CompiledPolicy } from './admission.cel.js';
import type { AdmissionBinding, AdmissionPolicy, ParamMap } from './admission.schema.js';
import { AdmissionManifest } from './admission.schema.js';
import { newMeta } from './object.operations.js';
import type { ObjectStore } from './object.store.js';
import { refuse, type Refusal } from './status.objects.js';

/** What the policies in force say of a request. */
export interface Admitted {
  readonly refusal?: Refusal;
  /** For the client, in `Warning` headers. */
  readonly warnings: readonly string[];
  /** For the audit log of the API server. */
  readonly annotations: Readonly<Record<string, string>>;
}

const KEPT = [
  ['validatingadmissionpolicies', 'ValidatingAdmissionPolicy'],
  ['validatingadmissionpolicybindings', 'ValidatingAdmissionPolicyBinding'],
] as const;

const FAILURE = 'validation.policy.admission.k8s.io/validation_failure';
/** k8s.io/apiserver, validating/dispatcher.go reasonToCode. */
const CODES = {
  Unauthorized: 401,
  Forbidden: 403,
  Invalid: 422,
  RequestEntityTooLarge: 413,
} as const;

interface Failure {
  readonly message: string;
  readonly reason: keyof typeof CODES;
  readonly index: number;
}

/**
 * ValidatingAdmissionPolicies, for what the stand-in lets be updated and connected to. They are given as manifests, not by
 * the API, which only lets them be read. Evaluated with a CEL of its own: no limit of cost is played.
 */
export class AdmissionPolicies {
  /** @param kept where whoever may read them finds them; none: they are only in force. */
  constructor(private readonly kept?: { readonly store: ObjectStore; readonly now: () => Date }) {}

  #policies: CompiledPolicy[] = [];
  #bindings: AdmissionBinding[] = [];
  #params: ParamMap[] = [];

  /** Puts what the YAML says in the place of what was in force. @throws Error where it could not be in force. */
  use(...texts: string[]): void {
    const manifests = texts
      .flatMap((text) => parseAllDocuments(text))
      .map((document) => AdmissionManifest.parse(document.toJS()));
    this.#policies = manifests
      .filter((it): it is AdmissionPolicy => it.kind === 'ValidatingAdmissionPolicy')
      .map((it) => new CompiledPolicy(it));
    this.#bindings = manifests.filter((it) => it.kind === 'ValidatingAdmissionPolicyBinding');
    this.#params = manifests.filter((it) => it.kind === 'ConfigMap');
    for (const [resource, kind] of KEPT) {
      this.#keep(
        resource,
        manifests.filter((it) => it.kind === kind),
      );
    }
  }

  #keep(resource: (typeof KEPT)[number][0], manifests: readonly AdmissionManifest[]): void {
    if (this.kept === undefined) return;
    const { store, now } = this.kept;
    for (const { metadata } of store.list(resource)) {
      store.delete(resource, undefined, metadata.name);
    }
    for (const { metadata, ...manifest } of manifests) {
      store.put(resource, { ...manifest, metadata: newMeta(metadata, undefined, now()) });
    }
  }

  /** Policies are asked in the order of their manifests; an API server asks them in no order. */
  review(facts: AdmissionFacts): Admitted {
    const denials: { readonly text: string; readonly failure: Failure }[] = [];
    const warnings: string[] = [];
    const failed: object[] = [];
    const annotations: Record<string, string> = {};
    for (const compiled of this.#policies.filter((it) => matches(it.policy, facts))) {
      const { name } = compiled.policy.metadata;
      for (const binding of this.#bindings.filter((it) => it.spec.policyName === name)) {
        const judged = this.#judge(compiled, binding, facts);
        Object.assign(annotations, judged.annotations);
        const by = `ValidatingAdmissionPolicy '${name}' with binding '${binding.metadata.name}'`;
        const actions = binding.spec.validationActions;
        for (const failure of judged.failures) {
          const { message, index } = failure;
          // A parameter that is not there is refused by any binding that says so (generic/policy_dispatcher.go).
          if (actions.includes('Deny') || index < 0) {
            denials.push({ text: `${by} denied request: ${message}`, failure });
          }
          if (actions.includes('Warn')) warnings.push(`Validation failed for ${by}: ${message}`);
          if (actions.includes('Audit')) {
            failed.push({
              message,
              policy: name,
              binding: binding.metadata.name,
              expressionIndex: index,
              validationActions: actions,
            });
          }
        }
      }
    }
    // An annotation is set once: an API server drops, with a line in its own log, what it finds after the first.
    if (failed.length > 0) annotations[FAILURE] = JSON.stringify(failed.slice(0, 1));
    const [first] = denials;
    return {
      warnings,
      annotations,
      ...(first === undefined ? {} : { refusal: denied(facts, first.text, first.failure.reason) }),
    };
  }

  #judge(
    compiled: CompiledPolicy,
    { spec: { paramRef } }: AdmissionBinding,
    facts: AdmissionFacts,
  ): { readonly failures: Failure[]; readonly annotations: Record<string, string> } {
    const { spec } = compiled.policy;
    const params = this.#params.find(
      ({ metadata }) =>
        metadata.name === paramRef?.name && metadata.namespace === paramRef.namespace,
    );
    if (paramRef !== undefined && params === undefined) {
      if (paramRef.parameterNotFoundAction === 'Allow') return { failures: [], annotations: {} };
      const message =
        'failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction';
      return { failures: [{ message, reason: 'Invalid', index: -1 }], annotations: {} };
    }
    const { results, annotations } = compiled.evaluate(facts, params);
    const failures = results.flatMap((result, index): Failure[] => {
      const validation = spec.validations[index];
      if (result === true || validation === undefined) return [];
      const { expression, message, reason = 'Invalid' } = validation;
      if (result === false) {
        return [{ message: message ?? `failed expression: ${expression}`, reason, index }];
      }
      if (spec.failurePolicy === 'Ignore') return [];
      const text = `expression '${expression}' resulted in error: ${result.message}`;
      return [{ message: text, reason: 'Invalid', index }];
    });
    return { failures, annotations };
  }
}

function matches({ spec }: AdmissionPolicy, { request }: AdmissionFacts): boolean {
  const { resource, subResource, operation } = request;
  return spec.matchConstraints.resourceRules.some(
    (rule) =>
      rule.operations.includes(operation) &&
      rule.apiGroups.includes(resource.group) &&
      rule.apiVersions.includes(resource.version) &&
      rule.resources.includes(`${resource.resource}/${subResource}`),
  );
}

/** Measured: test/kubernetes-1.36/admission. It says "is forbidden" whatever the reason is. */
function denied({ request }: AdmissionFacts, message: string, reason: keyof typeof CODES): Refusal {
  const { name, resource } = request;
  return refuse({
    code: CODES[reason],
    reason,
    message: `${resource.resource} "${name}" is forbidden: ${message}`,
    details: { name, kind: resource.resource, causes: [{ message }] },
  });
}
