import type { AdmissionFacts } from '../../sandbox/cluster/admission.cel.js';
import { SECURITY_CONTEXTS } from '../../src/domain/policy/debug-profiles.js';
import { changedContainer, LIMITS, WRONG_CONTAINERS } from './lockdown.cases.js';
import type { LockdownValues } from './lockdown.files.js';
import { ALLOWED_WORDS, celList } from './lockdown.files.js';
import {
  adding,
  DIGEST,
  entering,
  FIREFIGHTER,
  HALLPASS,
  MALLORY,
  sessionContainer,
} from './lockdown.requests.js';

/** How the kit may be set: in which mode, with which values. */
export interface LockdownSetting extends LockdownValues {
  readonly mode: 'audit' | 'enforce';
}

const SESSION_GROUP = 'hallpass:sessions';
const images = celList(DIGEST);
const usual = { exceptGroups: ['firefighters'], limits: { images } };
const limited = (limits: Readonly<Record<string, string>>): LockdownSetting => ({
  mode: 'enforce',
  limits: { images, ...limits },
});
const [, , choose = '', , , , hold = ''] = sessionContainer().command;
const OTHER_TIMER = { choosers: celList('new choose'), holders: celList('new hold') };
const STRICT = [...new Set(LIMITS.map(({ key }) => key))];

export const SETTINGS: Readonly<Record<string, LockdownSetting>> = {
  usual: { mode: 'enforce', ...usual },
  audit: { mode: 'audit', ...usual },
  impersonating: { mode: 'enforce', ...usual, sessionGroups: [SESSION_GROUP] },
  'named-variables': limited({ env: celList('TZ', 'date +%s') }),
  loose: limited({
    allowed: celList(...ALLOWED_WORDS, 'privileged'),
    capabilities: celList('SYS_PTRACE', 'NET_ADMIN', 'NET_RAW'),
  }),
  'other-timer': limited(OTHER_TIMER),
  'both-timers': limited({
    ...OTHER_TIMER,
    choosersBefore: celList(choose),
    holdersBefore: celList(hold),
  }),
  ...Object.fromEntries(
    STRICT.map((key) => [
      `strict-${key}`,
      limited({ allowed: celList(...ALLOWED_WORDS.filter((it) => it !== key)) }),
    ]),
  ),
};

/** A request to a cluster in which the kit is in force. */
export interface LockdownCase {
  readonly what: string;
  /** One of {@link SETTINGS}. */
  readonly setting: string;
  readonly facts: AdmissionFacts;
  /** An API server may find the container invalid itself, before any policy is asked. */
  readonly isInvalid: boolean;
}

const ours = sessionContainer();
const debug = { name: 'debugger-x', image: 'docker.io/library/busybox:1', command: ['sh'] };
const robin = { username: 'hallpass:robin@example.com', groups: [SESSION_GROUP] };
const inSession = { ...robin, extra: { 'hallpass.dev/session': ['0123456789abcdef'] } };
const otherwise = { ...robin, extra: { 'example.com/a': ['b'] } };
const PEOPLE = { HALLPASS, MALLORY, FIREFIGHTER, robin, inSession, otherwise };

/** What API servers may find invalid, by the end of what it is called. */
const INVALID = ['with an unmasked /proc', 'with a host process', 'the variable "TZ\\n"'];

const wrongOnes = WRONG_CONTAINERS.map(({ what, change }) => ({
  what: `Hallpass adds a container with ${what}`,
  setting: 'usual',
  facts: adding(HALLPASS, [changedContainer(change)]),
}));

/** Everybody does everything, in each setting that is about who. */
const whoDoesWhat = ['usual', 'audit', 'impersonating'].flatMap((setting) =>
  Object.entries(PEOPLE).flatMap(([who, by]) => {
    const does = {
      'adds the container of a session': adding(by, [ours]),
      'adds one of an extension': adding(by, [sessionContainer({}, 1)], [ours, debug]),
      'adds a container of another name': adding(by, [debug]),
      'adds the container of a session under another name': adding(by, [{ ...ours, name: 'app2' }]),
      'adds both': adding(by, [ours, debug]),
      'adds none': adding(by, [], [ours, debug]),
      ...Object.fromEntries(
        (['exec', 'attach'] as const).flatMap((how) =>
          [ours.name, 'app', undefined, 'debugger-x', 'Hallpass-x', 'hallpass', ''].map((name) => [
            `enters ${name ?? 'what is not named'} by ${how}`,
            entering(by, name, how),
          ]),
        ),
      ),
    };
    return Object.entries(does).map(([what, facts]) => ({
      what: `${setting}: ${who} ${what}`,
      setting,
      facts,
    }));
  }),
);

const limitCases = LIMITS.flatMap(({ key, open, kept }, index) =>
  [`strict-${key}`, 'usual'].flatMap((setting) =>
    Object.entries({ open, kept }).map(([name, securityContext]) => ({
      what: `${setting}: a context ${name} in ${key} (${String(index)})`,
      setting,
      facts: adding(HALLPASS, [sessionContainer({ securityContext })]),
    })),
  ),
);

const variableCases = ['named-variables', 'usual'].flatMap((setting) =>
  ['TZ', 'LANG', 'date +%s', 'TZ\n', 'tz'].map((name) => ({
    what: `${setting}: the variable ${JSON.stringify(name)}`,
    setting,
    facts: adding(HALLPASS, [sessionContainer({ env: [{ name, value: 'x' }] })]),
  })),
);

const profileCases = ['loose', 'usual'].flatMap((setting) =>
  Object.entries(SECURITY_CONTEXTS).map(([name, securityContext]) => ({
    what: `${setting}: kubectl’s profile ${name}`,
    setting,
    facts: adding(HALLPASS, [sessionContainer({ securityContext })]),
  })),
);

const timerCases = ['other-timer', 'both-timers'].flatMap((setting) => [
  { what: `${setting}: Hallpass adds`, setting, facts: adding(HALLPASS, [ours]) },
  { what: `${setting}: Mallory adds`, setting, facts: adding(MALLORY, [debug]) },
  { what: `${setting}: Hallpass enters`, setting, facts: entering(HALLPASS, ours.name) },
]);

/** Requests of every kind that the policies speak of. */
export const LOCKDOWN_CASES: readonly LockdownCase[] = [
  ...whoDoesWhat,
  ...wrongOnes,
  ...limitCases,
  ...variableCases,
  ...profileCases,
  ...timerCases,
].map((it) => ({ ...it, isInvalid: INVALID.some((part) => it.what.endsWith(part)) }));
