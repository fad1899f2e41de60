import type { z } from 'zod';
import { describeKeys } from '../src/config/config.keys.js';
import {
  accessPolicySchema,
  approverSetSchema,
  debugProfileSchema,
} from '../src/contract/policy.schema.js';
import { onCallSourceSchema } from '../src/contract/on-call-source.schema.js';
import { keyTable } from './key.table.js';

const INTRODUCTION = `# Policies

<!-- Made by \`npm run docs\` from scripts/policies.document.ts and src/contract: change it there. -->

Who may debug what is said in YAML documents of four kinds, several to a file, in one folder or several
(\`policies.folders\`): all their \`*.yaml\` and \`*.yml\` files, 16 MiB and 10,000 documents at most, of 10,000
parts each (texts, signs, spaces, line ends). What is wrong is told all at once, with file, line,
column, path and the name that was likely meant; then none of them comes into force. What documents mean together is in
[policy-semantics.md](policy-semantics.md), how they are changed while Hallpass runs in
[policy-changes.md](policy-changes.md).

- In clusters, namespaces, workloads and profiles \`*\` stands for any run of characters. A group is named in full; \`*\`
  alone is everybody signed in.
- Durations are written as \`30m\`, \`1h30m\`, \`90s\` or \`90d\`.
- A user is named by the subject of their token, or by \`issuer|subject\`. A subject that itself begins like
  \`https://issuer|\` is named with its issuer only.
- Neither the order of documents nor that of files means anything. A name is given once for each kind.
- Terms are frozen on the session that they grant: a set that comes later changes none of them.`;

const ACCESS = `## AccessPolicy

Who may have which profile on which targets, on what terms; or, with \`deny\`, who may not.

\`\`\`yaml
apiVersion: hallpass/v1
kind: AccessPolicy
metadata: { name: payments-oncall }
spec:
  description: Whoever is on call for payments gets in, once a lead agrees.
  effect: allow
  match:
    groups: [payments-oncall]
    clusters: ['prod-*']
    namespaces: [payments]
    workloads:
      - kinds: [Deployment]
        names: ['checkout*']
    times:
      - timeZone: Europe/Berlin
        from: '18:00'
        to: '09:00'
  when: onCall['payments'] && target.restarts > 0
  terms:
    longest: 30m
    approvals:
      require:
        - groups: [payments-leads]
        - approvers: [security]
      escalation: { after: 15m, groups: [managers] }
    ticket: { pattern: 'INC-[0-9]+' }
    breakGlass:
      signIn: { amr: [mfa], maxAge: 15m }
      review: { within: 24h, approvers: [security] }
---
apiVersion: hallpass/v1
kind: AccessPolicy
metadata: { name: nobody-in-kube-system }
spec:
  effect: deny
  match: { groups: ['*'], namespaces: [kube-system] }
\`\`\`

\`match\` must name people (\`groups\`, \`users\` or both) and places (\`namespaces\`, \`namespaceSelector\` or both). Selectors are
Kubernetes' own: all of \`matchLabels\` and \`matchExpressions\` must hold. \`when\` is an expression in CEL over the
[facts](policy-facts.md). Patterns are RE2 and match the whole text.`;

const AGREEING = `## Who must agree

- Every requirement must be met, each by \`count\` people of its \`groups\` and \`users\`. One person counts once, for one
  requirement, however many groups they are in; who is in the groups of two is counted where that helps most.
- The requester never counts, nor does another account of theirs, where \`identity.people\` or
  \`identity.issuers[].claims.human\` tells whose it is.
- A consent that adds nothing is refused, and the refusal says what is still open and of whom. One denial ends the
  session, whoever of these people says it.
- Who has lost the group does not count when the last consent arrives, as far as a newer token of theirs has told
  Hallpass. Whatever was shown counts: somebody who never comes back is known by their last token.
- Consents and denials are on what was read: they carry its version in \`If-Match\`.
- From \`escalation.after\` since asking on, the people of the escalation are asked as well; they see the session from
  then on, may deny it, and their consents count for any requirement.
- Until the session starts, whoever consented can take it back (\`"verdict": "retract"\`): what was approved is then
  pending again, and has its time to be decided (\`sessions.pendingLapseSeconds\`) anew. Afterwards all these people may
  revoke it. With \`count: 0\` nobody need agree, and these people may revoke.`;

const APPROVERS = `## ApproverSet

Some people under a name, for \`approvers\` in the terms of access policies.

\`\`\`yaml
apiVersion: hallpass/v1
kind: ApproverSet
metadata: { name: security }
spec:
  groups: [security]
  users: ['https://login.example.com|ciso']
\`\`\``;

const ON_CALL = `## OnCallSource

Somewhere over HTTP that says who is on call: \`onCall['payments']\` in conditions. Where it does not answer in time, or
goes by e-mail and somebody has none that is verified, the fact is not known: neither it nor its opposite grants anything.

\`\`\`yaml
apiVersion: hallpass/v1
kind: OnCallSource
metadata: { name: payments }
spec:
  url: https://pager.example.com/schedules/payments
  shape: generic
  pointer: /0/users
  field: email
  secret: pager
\`\`\``;

const PROFILE = `## DebugProfile

What a debug container is: its image and its rights.

\`\`\`yaml
apiVersion: hallpass/v1
kind: DebugProfile
metadata: { name: shell }
spec:
  description: A shell with the usual tools.
  image: registry.example.com/tools@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
  debugProfile: general
  env:
    - name: TERM
      value: xterm
\`\`\`

The image must hold the shell and \`date\`, and where the shell is dash and neither \`bash\` nor \`busybox\` is there,
\`sleep\`. \`debugProfile\` is one of \`kubectl debug\`'s:

| debugProfile | security context |
| --- | --- |
| \`general\` | adds \`SYS_PTRACE\` |
| \`baseline\` | none |
| \`restricted\` | \`runAsNonRoot\`, drops \`ALL\`, no privilege escalation, seccomp \`RuntimeDefault\`; the image needs a user other than root |
| \`netadmin\` | adds \`NET_ADMIN\` and \`NET_RAW\` |
| \`sysadmin\` | \`privileged\` |

Who debugs the processes of a \`container\` as root should have a security context with \`readOnlyRootFilesystem: true\`:
otherwise they can stop the timer and replace the shell by which the broker ends such a container
([time-box.md](time-box.md)).`;

/** `docs/policies.md`: the four kinds of documents, with every key of each. */
export function policiesDocument(): string {
  return [
    INTRODUCTION,
    ACCESS,
    specTable(accessPolicySchema.shape.spec),
    AGREEING,
    APPROVERS,
    specTable(approverSetSchema.shape.spec),
    ON_CALL,
    specTable(onCallSourceSchema.shape.spec),
    PROFILE,
    specTable(debugProfileSchema.shape.spec),
    'More examples are in `sandbox/policies`.',
  ].join('\n\n');
}

/** Every key below `spec`, in the schema's order. */
function specTable(schema: z.ZodType): string {
  return keyTable('key of `spec`', describeKeys(schema));
}
