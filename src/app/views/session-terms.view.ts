import type { SessionTermsView } from '../../contract/session-terms.schema.js';
import type { BreakGlass, Terms } from '../../domain/policy/policy.js';
import type { SignInRule } from '../../domain/policy/sign-in.rule.js';

/** The terms of a grant, for who sees its session. Nothing of them but what is named here goes out. */
export function sessionTermsView(terms: Terms): SessionTermsView {
  const { concurrent, extension, breakGlass } = terms;
  return {
    longestSeconds: terms.longestSeconds,
    recording: terms.recording,
    keepRecordingSeconds: terms.keepRecordingSeconds,
    watcher: terms.watcher,
    streams: terms.streams,
    ways: [...terms.ways],
    fileCopies: terms.fileCopies,
    portForward: terms.portForward,
    concurrent: { perPerson: concurrent.perPerson, perPod: concurrent.perPod },
    extension: extension && {
      times: extension.times,
      longestSeconds: extension.longestSeconds,
    },
    idleSeconds: terms.idleSeconds,
    onOverrun: terms.onOverrun,
    onAccessRemoved: terms.onAccessRemoved,
    slack: {
      channels: [...terms.slack.channels],
      consent: terms.slack.consent,
      profiles: [...terms.slack.profiles],
    },
    breakGlass: breakGlass && breakGlassView(breakGlass),
  };
}

/** How strongly somebody must have signed in. */
export function signInView({ acr, amr, maxAgeSeconds }: SignInRule) {
  return { acr: [...acr], amr: [...amr], maxAgeSeconds };
}

function breakGlassView({ signIn, review, debt }: BreakGlass): SessionTermsView['breakGlass'] {
  return {
    signIn: signInView(signIn),
    review: {
      withinSeconds: review.withinSeconds,
      groups: [...review.groups],
      users: [...review.users],
    },
    team: debt.of === 'team' ? debt.team : null,
  };
}
