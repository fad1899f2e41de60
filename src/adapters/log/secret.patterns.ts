const HIDDEN = '[redacted]';

/** Words after which, with `=` or `:` between, a secret stands. */
const NAMED =
  '(?:pass(?:word|wd|phrase)|pwd|secret|token|credentials?|authorization|cookie|(?:api|access|private|routing|account)[-_]?key|client-(?:key|certificate)-data)';

/** What secrets look like, wherever they stand. Every pattern is bounded. */
const PATTERNS: readonly (readonly [RegExp, string])[] = [
  // Up to the last @: passwords in URLs are not always encoded as they should be. Files have none, but have @ in names.
  [/\b((?!file:)[a-z][a-z0-9+.-]{0,30}:\/\/)[^\s"'\\<>]{1,2000}@/gi, `$1${HIDDEN}@`],
  // What URLs ask with: signatures, tickets, tokens.
  [/\b((?:https?|wss?):\/\/[^\s"'\\<>?#]{1,2000}\?)[^\s"'\\<>]{1,4000}/gi, `$1${HIDDEN}`],
  [/\b((?:Bearer|Basic|Splunk|DPoP|Negotiate)\s{1,3})[\w.~+/=-]{3,8000}/gi, `$1${HIDDEN}`],
  // A JSON Web Token; tokens and webhooks of Slack; a key of Standard Webhooks; one that signs the audit log.
  [/\beyJ[\w-]{5,8000}\.[\w-]{2,8000}(?:\.[\w-]{0,8000})?/g, HIDDEN],
  [/\b(?:xox[a-z]|xapp|xwfp)-[\w-]{5,500}/g, HIDDEN],
  [/\b(hooks\.slack\.com\/)[\w/-]{5,500}/g, `$1${HIDDEN}`],
  [/\bwhsec_[\w+/=-]{5,500}/g, HIDDEN],
  [/\bPRIVATE\+KEY\+\S{1,500}/g, HIDDEN],
  [/-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----[^-]{1,20000}/g, HIDDEN],
  // password=…, "token": "…", cookie: …, and in YAML, after spaces or in a line of its own
  [
    new RegExp(
      String.raw`([\w-]{0,40}${NAMED}\\?["']?\s?[=:]\s{0,20}\\?["'])[^"'\\]{1,4000}`,
      'gi',
    ),
    `$1${HIDDEN}`,
  ],
  [
    new RegExp(
      String.raw`([\w-]{0,40}${NAMED}(?:=|:\s{0,20}(?:[|>][-+]?\s{1,40})?))[^\s"'\\,;&]{1,4000}`,
      'gi',
    ),
    `$1${HIDDEN}`,
  ],
  [/\b([\w-]{0,40}ticket=)[^\s"'\\&]{1,500}/gi, `$1${HIDDEN}`],
];

/** The text without what looks like a secret. Told twice it says the same. */
export function withoutSecrets(text: string): string {
  let clean = text;
  for (const [pattern, instead] of PATTERNS) clean = clean.replace(pattern, instead);
  return clean;
}
