import type { DebugProfile } from '../../src/domain/policy/policy.js';
import { DIGEST, sessionContainer } from './lockdown.requests.js';

/** What is other in a container than Hallpass makes it. */
export type Changed = (spec: Record<string, unknown>) => object;
const env = (name: string, value: unknown) => ({ name, value });
/** Containers that Hallpass must not be able to add, each wrong in one way, and what is said of them. */
export const WRONG_CONTAINERS: readonly {
  readonly what: string;
  readonly change: Changed;
  readonly says: string;
}[] = [
  {
    what: 'another digest',
    change: () => ({ image: DIGEST.replace('ab', 'cd') }),
    says: 'image',
  },
  {
    what: 'a tag',
    change: () => ({ image: 'registry.example.com/debug/tools:1' }),
    says: 'image',
  },
  { what: 'no command', change: () => ({ command: undefined }), says: 'not the timer' },
  {
    what: 'a shell for command',
    change: () => ({ command: ['/bin/sh'] }),
    says: 'not the timer',
  },
  { what: 'more arguments', change: () => ({ args: ['-x'] }), says: 'not the timer' },
  { what: 'a timer that does not hold', change: words(6, 'exit 0'), says: 'not the timer' },
  { what: 'a chooser of its own', change: words(2, 'sleep 9999'), says: 'not the timer' },
  { what: 'another shell', change: words(0, '/tmp/sh'), says: 'shells, choosers and holders in' },
  { what: 'a time that is no number', change: words(5, '$(id)'), says: 'not the timer' },
  {
    what: 'a time with a line after it',
    change: words(5, '60\n'),
    says: 'not the timer',
  },
  { what: 'too long a time', change: words(5, '999999'), says: 'for longer than is allowed' },
  { what: 'no session', change: () => ({ env: [] }), says: 'does not name its session' },
  {
    what: 'another session',
    change: (spec) => ({ env: [env('HALLPASS_SESSION', '0'.repeat(16)), ...rest(spec, 0)] }),
    says: 'does not name its session',
  },
  {
    what: 'two sessions',
    change: (spec) => ({ env: [...rest(spec), env('HALLPASS_SESSION', '0'.repeat(16))] }),
    says: 'does not name its session',
  },
  { what: 'a name of its own', change: () => ({ name: 'hallpass-x' }), says: 'its session' },
  {
    what: 'a secret in its environment',
    change: (spec) => ({
      env: [...rest(spec), { name: 'X', valueFrom: { secretKeyRef: { name: 'db', key: 'p' } } }],
    }),
    says: 'environment',
  },
  {
    what: 'secrets in its environment',
    change: () => ({ envFrom: [{ secretRef: { name: 'db' } }] }),
    says: 'environment',
  },
  {
    what: 'a library before its shell',
    change: (spec) => ({ env: [...rest(spec), env('LD_PRELOAD', '/tmp/x.so')] }),
    says: 'environment',
  },
  {
    what: 'a variable that bounds the functions of its shell',
    change: (spec) => ({ env: [...rest(spec), env('FUNCNEST', '1')] }),
    says: 'environment',
  },
  {
    // Kubernetes puts it in the place of what the timer has for a command, in the text that was compared.
    what: 'a variable that is called as a command of the timer',
    change: (spec) => ({ env: [...rest(spec), env('date +%s', '0; exec sh; #')] }),
    says: 'environment',
  },
  {
    what: 'a file’s word in its environment',
    change: (spec) => ({
      env: [
        ...rest(spec),
        {
          name: 'X',
          valueFrom: { fileKeyRef: { volumeName: 'v', path: 'p', key: 'k' } },
        },
      ],
    }),
    says: 'environment',
  },
  {
    what: 'no bound on when it may start',
    change: (spec) => ({ env: rest(spec, 1) }),
    says: 'HALLPASS_NOT_AFTER',
  },
  {
    what: 'a working directory',
    change: () => ({ workingDir: '/proc/1/root' }),
    says: 'working directory',
  },
  {
    what: 'volumes',
    change: () => ({ volumeMounts: [{ name: 'v', mountPath: '/v' }] }),
    says: 'volumes',
  },
  {
    // The kubelet mounts a file there, which the container may write.
    what: 'a file in the place of another',
    change: () => ({ terminationMessagePath: '/etc/ld.so.preload' }),
    says: 'another message file',
  },
  { what: 'a terminal', change: () => ({ tty: true }), says: 'standard input' },
  {
    what: 'standard input for once',
    change: () => ({ stdinOnce: true }),
    says: 'standard input',
  },
  { what: 'no standard input', change: () => ({ stdin: false }), says: 'standard input' },
  { what: 'privilege', change: context({ privileged: true }), says: 'beyond the limits' },
  { what: 'an unmasked /proc', change: context({ procMount: 'Unmasked' }), says: 'limits' },
  {
    what: 'a host process',
    change: context({ windowsOptions: { hostProcess: true } }),
    says: 'limits',
  },
  {
    what: 'a capability',
    change: context({ capabilities: { add: ['SYS_PTRACE', 'SYS_ADMIN'] } }),
    says: 'capability',
  },
  {
    what: 'all capabilities',
    change: context({ capabilities: { add: ['ALL'] } }),
    says: 'capability',
  },
  {
    what: 'labels of SELinux',
    change: context({ seLinuxOptions: { type: 'spc_t' } }),
    says: 'beyond the limits',
  },
  {
    what: 'no seccomp',
    change: context({ seccompProfile: { type: 'Unconfined' } }),
    says: 'unconfined',
  },
  {
    what: 'no AppArmor',
    change: context({ appArmorProfile: { type: 'Unconfined' } }),
    says: 'unconfined',
  },
];
/** What is kept where a word is not among those that are allowed: contexts that it refuses, and such as it allows. */
export const LIMITS: readonly {
  readonly key: string;
  readonly open: DebugProfile['securityContext'];
  readonly kept: DebugProfile['securityContext'];
}[] = [
  { key: 'root', open: { runAsUser: 0 }, kept: { runAsUser: 1000 } },
  { key: 'root', open: null, kept: { runAsNonRoot: true } },
  {
    key: 'privilegeEscalation',
    open: { runAsUser: 1 },
    kept: { allowPrivilegeEscalation: false },
  },
  { key: 'writableRoot', open: null, kept: { readOnlyRootFilesystem: true } },
  { key: 'defaultCapabilities', open: null, kept: { capabilities: { drop: ['ALL'] } } },
];
/** The container of a session with something changed, as JSON has it. */
export function changedContainer(change: Changed): object {
  const spec = { ...sessionContainer() };
  return JSON.parse(JSON.stringify({ ...spec, ...change(spec) })) as object;
}

/** One word of the command replaced. */
function words(at: number, word: string) {
  return ({ command }: Record<string, unknown>) => ({
    command: (command as string[]).map((it, index) => (index === at ? word : it)),
  });
}

function context(securityContext: object) {
  return () => ({ securityContext });
}

function rest({ env }: Record<string, unknown>, without?: number): object[] {
  return (env as object[]).filter((_, index) => index !== without);
}
