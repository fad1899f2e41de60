import { readFileSync } from 'node:fs';
import { CHOOSE, TIMER } from '../src/domain/timebox/timer.script.js';
import { literal } from './lockdown.document.js';

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
  [/ConfigMap hallpass-lockdown/g, `ConfigMap ${FULLNAME}-lockdown`],
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

/** The chart's form of a policy: the same text with the values of the chart. */
function policyTemplate(name: (typeof POLICIES)[number]): string {
  const text = readFileSync(`deploy/lockdown/${name}.yaml`, 'utf8');
  return MADE + REPLACED.reduce((so, [from, to]) => so.replaceAll(from, to), text);
}

const LIMITS = `{{- $limits := .Values.lockdown.limits | default dict }}
{{- $there := lookup "v1" "ConfigMap" .Release.Namespace (printf "%s-lockdown" (include "hallpass.fullname" .)) }}
`;
/** The texts that are in force until now: replicas of the version before start sessions while there are any. */
const BEFORE = `  {{- range $key := list "timer.choose" "timer.hold" }}
  {{- with dig "data" $key "" ($there | default dict) }}
  {{ $key }}.before: {{ . | quote }}
  {{- end }}
  {{- end }}`;
/** Without images Hallpass itself could add no container: what it adds is only looked at then. */
const IS_HELD = `and (${IS_ENFORCED}) (not (empty (.Values.lockdown.limits | default dict).images))`;

/** Each key of the limits, and what it is by default. */
const WORDS = {
  privileged: 'refused',
  unconfined: 'refused',
  seLinuxOptions: 'refused',
  root: 'allowed',
  privilegeEscalation: 'allowed',
  writableRoot: 'allowed',
  defaultCapabilities: 'allowed',
} as const;

function limitsTemplate(): string {
  const words = Object.entries(WORDS).map(
    ([key, word]) => `  ${key}: {{ $limits.${key} | default "${word}" }}`,
  );
  // What is empty stays empty: the usual values are those of values.yaml.
  const lines = (key: string): string => `  ${key}: {{ join "\\n" $limits.${key} | quote }}`;
  return `${MADE}${LIMITS}apiVersion: v1
kind: ConfigMap
metadata:
  name: ${FULLNAME}-lockdown
  namespace: {{ .Release.Namespace }}
  labels:
    {{- include "hallpass.labels" (list . "lockdown") | nindent 4 }}
data:
${lines('images')}
${lines('shells')}
  longestSeconds: {{ $limits.longestSeconds | default 28800 | int | toString | quote }}
${lines('capabilities')}
${lines('env')}
${words.join('\n')}
${BEFORE}
${literal('timer.choose', CHOOSE)}
${literal('timer.hold', TIMER)}
`;
}

function bindingsTemplate(): string {
  const bindings = POLICIES.map((name) => {
    const isHeld = name === 'contents' ? IS_HELD : IS_ENFORCED;
    const params = `  paramRef:
    name: ${FULLNAME}-lockdown
    namespace: {{ .Release.Namespace }}
    parameterNotFoundAction: {{ ternary "Deny" "Allow" (${isHeld}) }}
`;
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
${name === 'contents' ? params : ''}  validationActions: ${actions}
`;
  });
  return MADE + bindings.join('---\n');
}

/** `helm/hallpass/files/lockdown`: the lock-down kit as templates, by file. */
export const LOCKDOWN_CHART: Readonly<Record<string, () => string>> = {
  ...Object.fromEntries(POLICIES.map((name) => [`${name}.yaml`, () => policyTemplate(name)])),
  'limits.yaml': limitsTemplate,
  'bindings.yaml': bindingsTemplate,
};
