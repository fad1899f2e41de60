import { readFileSync } from 'node:fs';
import { CONTENTS, lockdownContents } from './lockdown.document.js';

/** The policies of `deploy/lockdown`, each a file of the chart's `files/lockdown` as well. */
const POLICIES = ['adding', 'entering', 'break-glass', 'contents'] as const;

const MADE = '{{- /* Made by `npm run docs` from deploy/lockdown: change it there. */}}\n';
const FULLNAME = '{{ include "hallpass.fullname" . }}';
const ACCOUNT =
  'system:serviceaccount:{{ .Release.Namespace }}:{{ include "hallpass.serviceAccountName" . }}';
const IS_ENFORCED = 'eq (include "hallpass.lockdownMode" .) "enforce"';

/** What is replaced in the manifests: what stands there, and the template in its place. */
const REPLACED: readonly (readonly [RegExp, string])[] = [
  [/^#.*\n/gm, ''],
  [
    /^ {2}name: (hallpass-[a-z-]+)$/gm,
    '  name: $1\n  labels:\n    {{- include "hallpass.labels" (list . "lockdown") | nindent 4 }}',
  ],
  [/^( {2}(?:name|policyName): )hallpass-/gm, `$1${FULLNAME}-`],
  [/policy hallpass-contents/g, `policy ${FULLNAME}-contents`],
  [/system:serviceaccount:hallpass:hallpass/g, ACCOUNT],
  [
    /(sessionGroups(?: #.*)?\n +expression: )'\[\]'/g,
    '$1{{ include "hallpass.sessionGroups" . | quote }}',
  ],
  // A JSON list is one of CEL as well.
  [
    /(exceptGroups(?: #.*)?\n +expression: )'\[\]'/g,
    '$1{{ .Values.lockdown.exceptGroups | default list | toJson | quote }}',
  ],
];

/** Each word of the limits, and what it is by default. */
const WORDS = {
  privileged: 'refused',
  unconfined: 'refused',
  seLinuxOptions: 'refused',
  root: 'allowed',
  privilegeEscalation: 'allowed',
  writableRoot: 'allowed',
  defaultCapabilities: 'allowed',
} as const;

/** The limits of the values, and the timers that are in force until now: replicas of the version before start sessions while there are any.
 * A policy whose limits are in a ConfigMap has expressions that say nothing without it. */
const LIMITS = `{{- $limits := .Values.lockdown.limits | default dict }}
{{- $allowed := list }}
{{- range $key, $usual := dict ${Object.entries(WORDS)
  .map((it) => it.map((word) => `"${word}"`).join(' '))
  .join(' ')} }}
{{- if eq (get $limits $key | default $usual) "allowed" }}{{ $allowed = append $allowed $key }}{{ end }}
{{- end }}
{{- $before := dict }}
{{- $there := lookup "admissionregistration.k8s.io/v1" "ValidatingAdmissionPolicy" "" (printf "%s-contents" (include "hallpass.fullname" .)) }}
{{- if not (dig "spec" "paramKind" dict ($there | default dict)) }}
{{- range dig "spec" "variables" list ($there | default dict) }}
{{- $_ := set $before .name .expression }}
{{- end }}
{{- end }}
`;

/** What is empty stays empty: the usual values are those of values.yaml. */
const listed = (key: string) => `$limits.${key} | default list | toJson | quote`;
/** The expression of each variable of contents.yaml that the values give. */
const GIVEN: Readonly<Record<string, string>> = {
  images: listed('images'),
  shells: listed('shells'),
  longestSeconds: '$limits.longestSeconds | default 28800 | int | toString | quote',
  capabilities: listed('capabilities'),
  env: listed('env'),
  allowed: '$allowed | toJson | quote',
  choosersBefore: '$before.choosers | default "[]" | quote',
  holdersBefore: '$before.holders | default "[]" | quote',
};

/** The chart's form of a policy: the same text with the values of the chart. */
function policyTemplate(name: (typeof POLICIES)[number]): string {
  const path = `deploy/lockdown/${name}.yaml`;
  const text = path === CONTENTS ? lockdownContents() : readFileSync(path, 'utf8');
  const made = REPLACED.reduce((so, [from, to]) => so.replaceAll(from, to), text);
  return path === CONTENTS ? MADE + LIMITS + limited(made) : MADE + made;
}

function limited(text: string): string {
  return Object.entries(GIVEN).reduce((so, [name, given]) => {
    const place = new RegExp(`(- name: ${name}(?: #.*)?\\n +expression: ).*`);
    if (!place.test(so)) throw new Error(`${CONTENTS} has no variable ${name}`);
    return so.replace(place, (_, head: string) => `${head}{{ ${given} }}`);
  }, text);
}

/** Without images Hallpass itself could add no container: what it adds is only looked at then. */
const IS_HELD = `and (${IS_ENFORCED}) (not (empty (.Values.lockdown.limits | default dict).images))`;

function bindingsTemplate(): string {
  const bindings = POLICIES.map((name) => {
    const isHeld = name === 'contents' ? IS_HELD : IS_ENFORCED;
    const actions =
      name === 'break-glass'
        ? '[Warn, Audit]'
        : `{{ ternary "[Deny, Audit]" "[Warn, Audit]" (${isHeld}) }}`;
    return `apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata:
  name: ${FULLNAME}-${name}
  labels:
    {{- include "hallpass.labels" (list . "lockdown") | nindent 4 }}
spec:
  policyName: ${FULLNAME}-${name}
  validationActions: ${actions}
`;
  });
  return MADE + bindings.join('---\n');
}

/** `helm/hallpass/files/lockdown`: the lock-down kit as templates, by file. */
export const LOCKDOWN_CHART: Readonly<Record<string, () => string>> = {
  ...Object.fromEntries(POLICIES.map((name) => [`${name}.yaml`, () => policyTemplate(name)])),
  'bindings.yaml': bindingsTemplate,
};
