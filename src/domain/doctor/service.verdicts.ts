import type { Judgement } from './finding.js';
import { failure, listed, ok, Unseen, unknown, warning } from './finding.js';

const POSTGRES_MIN = 150_000;

/** The database, as the role that serves sees it. */
export interface DatabaseFacts {
  /** `server_version_num`. */
  readonly versionNumber: number;
  readonly version: string;
  /** How its schema is, and what to do about it; null: it can be worked with. */
  readonly schema: { readonly seen: string; readonly advice: string | null };
  /** What is in the way of writing; null: nothing is. */
  readonly bar: { readonly seen: string; readonly advice: string } | null;
}

export function judgeDatabase(found: DatabaseFacts | Unseen): Judgement {
  if (found instanceof Unseen) return failure(found.why, found.advice);
  const { versionNumber, version, schema, bar } = found;
  if (versionNumber < POSTGRES_MIN) {
    return failure(`it is PostgreSQL ${version}`, 'update it to PostgreSQL 15 or later');
  }
  if (bar !== null) return failure(bar.seen, bar.advice);
  return schema.advice === null
    ? ok(`it is PostgreSQL ${version}; ${schema.seen}`)
    : failure(schema.seen, schema.advice);
}

/** Rights of the role that serves, over what it must not be able to undo. */
export interface RoleFacts {
  readonly role: string;
  /** What it is or may, where it should not: `is a superuser`. */
  readonly tooMuch: readonly string[];
  /** What it lacks: `INSERT on audit_events`. */
  readonly tooLittle: readonly string[];
}

export function judgeRole(found: RoleFacts | Unseen): Judgement {
  if (found instanceof Unseen) return unknown(found);
  const { role, tooMuch, tooLittle } = found;
  if (tooMuch.length > 0) {
    return failure(
      `the role ${role} ${listed(tooMuch)}, so that nobody could rely on the audit log`,
      `find out who gave it that and take it back (REVOKE … FROM ${role}), or set database.url to a role of the service’s own (CREATE ROLE hallpass LOGIN PASSWORD …) and run the migrations, which give it its rights`,
    );
  }
  return tooLittle.length > 0
    ? failure(
        `the role ${role} lacks ${listed(tooLittle)}`,
        'run the migrations as the owner: they grant hallpass_service to the role in database.url',
      )
    : ok(`the role ${role} may add to the audit log and neither change nor delete anything of it`);
}

/** Triggers of tables that are only added to. */
export interface TriggerFacts {
  readonly name: string;
  readonly table: string;
  /** `pg_trigger.tgenabled`: A always, O but for replicas, D disabled, R for replicas alone. */
  readonly enabled: string;
}

/** What refuses changes must do so whatever `session_replication_role` says; of other triggers it is enough to be on. */
const APPEND_ONLY = 'append_only';
const ON: ReadonlySet<string> = new Set(['A', 'O']);

/** Without these the audit log can be changed by whoever has its table. */
const NEEDED_TRIGGERS = ['append_only_rows', 'append_only_table'] as const;

export function judgeTriggers(found: readonly TriggerFacts[] | Unseen): Judgement {
  if (found instanceof Unseen) return unknown(found);
  const off = found.filter(({ name, enabled }) =>
    name.startsWith(APPEND_ONLY) ? enabled !== 'A' : !ON.has(enabled),
  );
  const advice =
    'find out who did it; ALTER TABLE … ENABLE ALWAYS TRIGGER … as the owner, and verify the log (hallpass audit verify)';
  const missing = NEEDED_TRIGGERS.filter(
    (name) => !found.some((it) => it.table === 'audit_events' && it.name === name),
  );
  if (missing.length > 0) {
    return failure(
      `audit_events has no ${listed(missing)}: what is in it can be changed`,
      'find out who dropped it, restore the schema from a backup or by hand, and verify the log (hallpass audit verify)',
    );
  }
  return off.length === 0
    ? ok(`all ${found.length} triggers that protect the audit log are on`)
    : failure(
        `the triggers ${listed(off.map(({ name, table }) => `${table}.${name}`))} are off, or can be passed by: what they protect can be changed`,
        advice,
      );
}

/** Who may do what with a file; null where the machine has no such modes. */
export interface FileFacts {
  readonly path: string;
  readonly mode: number | null;
  /** Why it cannot be used; null where it can. */
  readonly trouble: string | null;
}

const OTHERS_READ = 0o004;
const OTHERS_WRITE = 0o022;

export function judgeKeyFile({ path, mode, trouble }: FileFacts): Judgement {
  if (trouble !== null) {
    return failure(`${path} ${trouble}`, 'let the account that Hallpass runs as read it');
  }
  return mode !== null && (mode & OTHERS_READ) !== 0
    ? warning(
        `everybody on the machine may read ${path}`,
        'let its owner alone read it (chmod 0400; in a Pod the Secret’s defaultMode), and change the key where others were there',
      )
    : ok('it can be read, by nobody else');
}

const EXPIRES_SOON_MS = 14 * 24 * 3_600_000;

/** The certificate that is served with. */
export function judgeCertificate(
  { validFrom, validTo }: { readonly validFrom: Date; readonly validTo: Date },
  now: Date,
): Judgement {
  const renew =
    'have it issued anew and put both files into their place: they are taken up without a restart';
  if (validTo <= now) {
    return failure(`it has expired on ${dayOf(validTo)}, so that nobody connects`, renew);
  }
  if (validFrom > now) {
    return failure(
      `it is not valid before ${validFrom.toISOString()}, so that nobody connects`,
      'look at the clock here, and at what was issued',
    );
  }
  return validTo.getTime() - now.getTime() < EXPIRES_SOON_MS
    ? warning(`it expires on ${dayOf(validTo)}`, renew)
    : ok(`it is valid until ${dayOf(validTo)}`);
}

function dayOf(at: Date): string {
  return at.toISOString().slice(0, 10);
}

/** How an anchor was found. */
export interface AnchorFacts {
  /** Of a file: who may do what with it. */
  readonly file: FileFacts | null;
  /** Why it cannot be reached. */
  readonly away: Unseen | null;
  /** How it stands to the database: `unread` where nothing can be read back. */
  readonly compared: 'agrees' | 'empty' | 'unread' | { readonly parted: string } | Unseen;
}

export function judgeAnchor({ file, away, compared }: AnchorFacts): Judgement {
  if (file?.trouble) {
    return failure(
      `${file.path} ${file.trouble}`,
      'let the account that Hallpass runs as read and add to it: nothing is signed before it was compared',
    );
  }
  if (away) return failure(away.why, away.advice);
  if (compared instanceof Unseen) return unknown(compared);
  if (typeof compared === 'object') {
    return failure(
      compared.parted,
      'do not serve from this database: docs/audit.md says what to do when the log has parted',
    );
  }
  if (file?.mode !== null && file !== null && (file.mode & OTHERS_WRITE) !== 0) {
    return warning(
      `others than its owner may write to ${file.path}`,
      'chmod 0640, and put it where whoever has the database is not',
    );
  }
  return ok(COMPARED[compared]);
}

const COMPARED = {
  agrees: 'it can be reached, and its checkpoints agree with the database',
  empty: 'it can be reached, and holds no checkpoint yet',
  unread: 'it can be reached; nothing can be read back from it, so that it is not compared',
} as const;

/** What Slack says of a token. */
export interface SlackFacts {
  readonly teamId: string;
  /** Null: it does not say. */
  readonly scopes: readonly string[] | null;
}

/** Of the bot, as deploy/slack-manifest.yaml asks for them. */
export const SLACK_SCOPES = [
  'commands',
  'chat:write',
  'users:read',
  'im:write',
  'channels:history',
  'groups:history',
  'im:history',
] as const;

/** In addition where accounts are matched by e-mail. */
export const SLACK_EMAIL_SCOPE = 'users:read.email';

export function judgeSlack(
  found: SlackFacts | { readonly refused: string } | Unseen,
  wanted: { readonly teamId: string; readonly scopes: readonly string[] },
): Judgement {
  if (found instanceof Unseen) return unknown(found);
  if ('refused' in found) {
    return failure(
      `Slack refuses the token of the bot (${found.refused})`,
      'install the app in the workspace again, and put its new token into slack.botTokenFile',
    );
  }
  const { teamId, scopes } = found;
  if (teamId !== wanted.teamId) {
    return failure(
      `the token is of the workspace ${teamId}, and slack.teamId is ${wanted.teamId}`,
      'name the one, or install the app in the other',
    );
  }
  if (scopes === null) {
    return unknown(
      new Unseen(
        'Slack takes the token for that workspace, and does not say which scopes it has',
        `compare them with deploy/slack-manifest.yaml: ${wanted.scopes.join(', ')}`,
      ),
    );
  }
  const missing = wanted.scopes.filter((scope) => !scopes.includes(scope));
  return missing.length === 0
    ? ok('Slack takes the token for that workspace, with every scope that is needed')
    : failure(
        `the token lacks the scopes ${listed(missing)}`,
        'add them to the app (deploy/slack-manifest.yaml) and install it again',
      );
}

/** @param found that the channel can be seen, or the word with which Slack refuses. */
/** What Slack says of a token that it does not take, whatever is asked. */
const OF_TOKENS: ReadonlySet<string> = new Set([
  'token_revoked',
  'token_expired',
  'invalid_auth',
  'account_inactive',
  'not_authed',
]);

export function judgeSlackChannel(
  found: { readonly isMember: boolean } | { readonly refused: string } | Unseen,
): Judgement {
  if (found instanceof Unseen) return unknown(found);
  if ('refused' in found) {
    // The scope to look is none that Hallpass needs to post.
    return found.refused === 'missing_scope'
      ? unknown(
          new Unseen(
            'the token may not look at channels',
            'see in Slack that the bot is in the channel (/invite @Hallpass)',
          ),
        )
      : failure(
          `Slack does not show the security channel (${found.refused})`,
          OF_TOKENS.has(found.refused)
            ? 'mend the token first: see the row slack'
            : 'check slack.securityChannel, and invite the bot there',
        );
  }
  return found.isMember
    ? ok('the bot is in the security channel')
    : failure('the bot is not in the security channel', 'invite it there: /invite @Hallpass');
}

export function judgeSlackApp(found: 'taken' | { readonly refused: string } | Unseen): Judgement {
  if (found instanceof Unseen) return unknown(found);
  return found === 'taken'
    ? ok('Slack takes the token of the app: a socket can be had')
    : failure(
        `Slack refuses the token of the app (${found.refused})`,
        'make a new one with the scope connections:write, switch Socket Mode on, and put it into slack.appTokenFile',
      );
}

/** An issuer's keys, as far as they sign. */
export interface IssuerFacts {
  /** The algorithms of its keys, where keys say so. */
  readonly keyAlgorithms: readonly string[];
  readonly keyTypes: readonly string[];
  /** What discovery says that it signs with; null where it was not asked, or says nothing. */
  readonly signs: readonly string[] | null;
}

/** By the first two letters of an algorithm, the type of its keys. */
const KEY_TYPES: Readonly<Record<string, string>> = { RS: 'RSA', PS: 'RSA', ES: 'EC' };

export function judgeIssuer(
  found: IssuerFacts | Unseen,
  wanted: { readonly audience: string; readonly algorithms: readonly string[] },
): Judgement {
  if (found instanceof Unseen) return failure(found.why, found.advice);
  const { keyAlgorithms, keyTypes } = found;
  if (keyTypes.length === 0) {
    return failure('it publishes no keys', 'see what is at its jwks_uri: no token can be verified');
  }
  const fits = (algorithm: string): boolean =>
    keyAlgorithms.includes(algorithm) ||
    (keyAlgorithms.length === 0 && keyTypes.includes(KEY_TYPES[algorithm.slice(0, 2)] ?? ''));
  if (!wanted.algorithms.some(fits)) {
    return failure(
      `its keys are for ${listed(keyAlgorithms.length > 0 ? keyAlgorithms : keyTypes)}, and only ${wanted.algorithms.join(', ')} are taken`,
      'name what it signs with under identity.issuers[].algorithms',
    );
  }
  return ok(
    `its discovery document and ${keyTypes.length === 1 ? '1 key' : `${keyTypes.length} keys`} can be had; tokens must be for ${wanted.audience}`,
  );
}

/** Nothing waits for a collector of traces: one that is away is no failure. */
export function judgeCollector(found: 'reached' | Unseen): Judgement {
  const judged = judgeReach(found);
  return judged.verdict === 'failure' ? { ...judged, verdict: 'warning' } : judged;
}

/** @param found what stands in the way of reaching somebody; null: nothing. */
export function judgeReach(found: 'reached' | 'nowhere' | Unseen): Judgement {
  if (found === 'nowhere') return ok('it needs no connection');
  return found === 'reached'
    ? ok('it takes connections; nothing was sent')
    : failure(found.why, found.advice);
}
