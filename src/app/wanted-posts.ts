import { consentsNeeded, requirementsOf } from '../domain/policy/policy.js';
import { concernedPeople } from '../domain/session/session.js';
import type { Session } from '../domain/session/session.js';
import type { SlackStory } from './ports/post.renderer.js';
import type { PostKey, PostKind, SlackPost } from './ports/slack.posts.js';

/** More people are not told by name of one request: a channel is for more. */
export const PEOPLE_MAX = 20;
const WORDS_MAX = 30;

/** Where messages of a session may go. */
export interface Addressees {
  /** The requester's account; null where none is tied to them. */
  readonly requester: string | null;
  /** The accounts of those whom policy names. */
  readonly people: readonly string[];
  readonly securityChannel: string | null;
}

/** Messages that stand under another one, and of which kind that is. */
export const UNDER: Readonly<Partial<Record<PostKind, PostKind>>> = {
  word: 'request',
  step: 'card',
  alarm: 'security',
};

/** Whose names have to be known to tell of a session; none where nobody need agree. */
export function namedPeople(session: Session): readonly string[] {
  return asksPeople(session) ? concernedPeople(session).users.slice(0, PEOPLE_MAX) : [];
}

/** The messages that there should be, those that others stand under first. What is there stays, and is kept true. */
export function wantedPosts(story: SlackStory, to: Addressees): PostKey[] {
  return [...requests(story, to), ...requesters(story, to), ...security(story, to)];
}

function requests({ session, decisions }: SlackStory, { people }: Addressees): PostKey[] {
  if (!asksPeople(session)) return [];
  const channels = session.grant?.terms.slack.channels ?? [];
  const said = decisions.filter(({ by }) => by === 'person').slice(-WORDS_MAX);
  return [
    ...channels.map((target) => key('request', target)),
    ...people.slice(0, PEOPLE_MAX).map((target) => key('request', target)),
    ...channels.flatMap((target) => said.map(({ id }) => key('word', target, id))),
  ];
}

function requesters(story: SlackStory, { requester }: Addressees): PostKey[] {
  const { session } = story;
  // Whom policy refuses at once has its answer already.
  if (requester === null || session.grant === null) return [];
  return [key('card', requester), ...stepsOf(story).map((step) => key('step', requester, step))];
}

/** What the requester is told of as it stands: what came and went meanwhile is no news. */
function stepsOf({ session, extended, notExtended }: SlackStory): string[] {
  switch (session.state) {
    case 'pending':
      return ['waiting'];
    case 'approved':
    case 'starting':
      // Whoever was let in at once is told of when they can get in.
      return asksPeople(session) ? ['approved'] : [];
    case 'denied':
      return ['denied'];
    case 'active':
      return [
        extended > 0 ? `extended-${extended}` : 'started',
        ...(notExtended > 0 ? [`unextended-${notExtended}`] : []),
      ];
    case 'ending':
      return [];
    case 'ended':
      return ['ended'];
  }
}

function security(
  { session, overran, isOverdue }: SlackStory,
  { securityChannel }: Addressees,
): PostKey[] {
  const concerns = session.grant?.breakGlass === true || overran;
  if (securityChannel === null || !concerns) return [];
  return [
    key('security', securityChannel),
    ...(overran ? [key('alarm', securityChannel, 'overrun')] : []),
    ...(isOverdue ? [key('alarm', securityChannel, 'review')] : []),
  ];
}

function asksPeople({ grant }: Session): boolean {
  return consentsNeeded(requirementsOf(grant)) > 0;
}

function key(kind: PostKind, target: string, about = ''): PostKey {
  return { kind, target, about };
}

/** Whether a message is the one that this key is for. */
export function isPost(post: PostKey, { kind, target, about }: PostKey): boolean {
  return post.kind === kind && post.target === target && post.about === about;
}

/** The message that `post` stands under; undefined where it stands by itself. */
export function parentOf(post: PostKey, posts: readonly SlackPost[]): SlackPost | undefined {
  return posts.find(
    (other) =>
      other.kind === UNDER[post.kind] && other.target === post.target && other.about === '',
  );
}
