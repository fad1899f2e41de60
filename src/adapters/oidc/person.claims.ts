import { z } from 'zod';
import type { Person, SignIn } from '../../domain/person.js';
import type { IssuerSettings } from './identity.settings.js';
import { accountKey } from './identity.settings.js';
import type { TokenPayload } from './unverified.token.js';

const GROUPS_MAX = 500;
const TEXT_LENGTH_MAX = 256;

/**
 * Control and formatting characters (bidi marks among them), line separators and lone surrogates: they make one name
 * look like another, or break the line that it is shown in.
 */
const UNSHOWABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;

const Text = z
  .string()
  .min(1)
  .max(TEXT_LENGTH_MAX)
  .refine((text) => !UNSHOWABLE.test(text), 'has characters that cannot be shown');

const Groups = z
  .preprocess(
    (claim) => (typeof claim === 'string' ? [claim] : (claim ?? [])),
    z.array(Text).max(GROUPS_MAX),
  )
  .transform((groups) => [...new Set(groups)]);

/** What decides nothing is left out when it cannot be used, instead of keeping its owner out. */
const forReading = <T extends z.ZodType>(type: T) => type.optional().catch(undefined);

const Reading = forReading(Text);
const Methods = forReading(z.array(Text).max(20));
const AuthTime = forReading(z.number().int().nonnegative());

/** Numbers are common here (`employee_id`), and 7 is as good a name as "7". */
const HumanName = z.preprocess(
  (claim) => (typeof claim === 'number' ? JSON.stringify(claim) : (claim ?? undefined)),
  Text.optional(),
);

/** A claim as policy looks at it: texts as they are, numbers and truth values as JSON has them. */
const Fact = z.preprocess(
  (claim) => (typeof claim === 'number' || typeof claim === 'boolean' ? String(claim) : claim),
  forReading(Text),
);
/** More than so many are not looked at. */
const FACTS_MAX = 50;

/**
 * The person and the sign-in that verified claims tell of. The user must be a non-empty text of at most 256
 * characters; groups an array of such texts, at most 500, or one text for one group, or absent for none; the human, where
 * a claim is configured for it, such a text or a number, or absent; none with characters that cannot be shown. Returns an
 * Error that says which claim is not so. Facts that are not such texts, numbers or truth values are left out.
 *
 * @param humans whose the accounts are that are known ({@link accountKey}): that goes before the claim.
 */
export function personOf(
  payload: TokenPayload,
  { issuer, claims }: Pick<IssuerSettings, 'issuer' | 'claims'>,
  humans: ReadonlyMap<string, string> = new Map(),
): { person: Person; signIn: SignIn } | Error {
  const sub = Text.safeParse(claimAt(payload, claims.user));
  if (!sub.success) return unusable(claims.user, sub.error);
  const groups = Groups.safeParse(claimAt(payload, claims.groups));
  if (!groups.success) return unusable(claims.groups, groups.error);

  const known = humans.get(accountKey({ issuer, subject: sub.data }));
  const human = HumanName.safeParse(
    known ?? (claims.human === undefined ? undefined : claimAt(payload, claims.human)),
  );
  if (!human.success) return unusable(claims.human ?? 'human', human.error);

  const name = Reading.parse(claimAt(payload, claims.name));
  // Who is on call is told by e-mail: one that the issuer did not verify (OpenID Connect Core §5.1) would be anybody's.
  // Some issuers write it as a text.
  const verified = claimAt(payload, 'email_verified');
  const isVerified = verified === undefined || verified === true || verified === 'true';
  const email = isVerified ? Reading.parse(claimAt(payload, claims.email)) : undefined;
  const acr = Reading.parse(payload.acr);
  const amr = Methods.parse(payload.amr);
  const authTime = AuthTime.parse(payload.auth_time);
  const facts = factsOf(payload, claims.facts ?? []);
  return {
    person: {
      iss: issuer,
      sub: sub.data,
      ...(name !== undefined && { name }),
      ...(email !== undefined && { email }),
      groups: groups.data,
      ...(human.data !== undefined && { human: human.data }),
    },
    signIn: {
      ...(acr !== undefined && { acr }),
      ...(amr !== undefined && { amr }),
      ...(authTime !== undefined && { authTime }),
      ...(facts.length > 0 && { claims: Object.fromEntries(facts) }),
    },
  };
}

/** The claims of these names that are there and can be told as texts. */
function factsOf(payload: TokenPayload, names: readonly string[]): [string, string][] {
  return names.slice(0, FACTS_MAX).flatMap((name): [string, string][] => {
    const fact = Fact.parse(claimAt(payload, name));
    return fact === undefined ? [] : [[name, fact]];
  });
}

function unusable(claim: string, error: z.ZodError): Error {
  return new Error(`claim ${claim} is not usable: ${error.issues[0]?.message ?? 'unknown reason'}`);
}

/** A claim by its name as it stands, else by its dots. Own properties only. */
function claimAt(payload: TokenPayload, name: string): unknown {
  if (Object.hasOwn(payload, name)) return payload[name];
  return name.split('.').reduce<unknown>((value, step) => ownProperty(value, step), payload);
}

function ownProperty(value: unknown, key: string): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  return Object.getOwnPropertyDescriptor(value, key)?.value;
}
