import { CHOOSE, TIMER } from '../src/domain/timebox/timer.script.js';

const HEAD = `# Made by \`npm run docs\`, for the texts of the timer: change scripts/lockdown.document.ts. See docs/lockdown.md.
#
# What a container that Hallpass adds may be. These are the limits for all profiles together: allow what the most
# privileged of yours needs, and no more. The policy of contents.yaml reads them; a key that is missing refuses all.
apiVersion: v1
kind: ConfigMap
metadata:
  name: hallpass-lockdown
  namespace: hallpass
data:
  # The images of the profiles, a line each, exactly as the profiles name them: by digest.
  images: |
    registry.example.com/debug/tools@sha256:${'0'.repeat(64)}
  # The shells of the profiles, a line each.
  shells: |
    /bin/sh
    /bin/bash
  # The longest duration of a session, extensions included, in seconds.
  longestSeconds: '28800'
  # The capabilities that may be added, a line each: SYS_PTRACE is what kubectl's profile "general" has.
  capabilities: |
    SYS_PTRACE
  # The variables that the profiles set, a line each, by name. Name none that a shell or a library is steered by, such as
  # PATH or FUNCNEST: the timer is a shell's script.
  env: ''
  # Each of these is "allowed" or "refused".
  privileged: refused
  unconfined: refused # by seccomp or AppArmor, asked for in so many words
  seLinuxOptions: refused
  root: allowed
  privilegeEscalation: allowed
  writableRoot: allowed
  defaultCapabilities: allowed
  # The main process of this version of Hallpass. Where an upgrade changes it, keep the texts of before beside it as
  # timer.choose.before and timer.hold.before until no replica of the version before is left.`;

/** `deploy/lockdown/limits.yaml`: the parameters of the policies, with the very texts of the timer. */
export function lockdownLimits(): string {
  return [HEAD, literal('timer.choose', CHOOSE), literal('timer.hold', TIMER), ''].join('\n');
}

/** A member of `data` whose text is kept as it is. */
export function literal(key: string, text: string): string {
  const lines = text.replace(/\n$/, '').split('\n');
  return [`  ${key}: |`, ...lines.map((line) => (line === '' ? '' : `    ${line}`))].join('\n');
}
