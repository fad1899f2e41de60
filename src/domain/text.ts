/**
 * Text from elsewhere (a cluster, an issuer) made fit to be stored, hashed and shown: well-formed Unicode, no control
 * characters but line ends and tabs, no bidirectional marks that could dress it up, at most `charactersMax` long.
 */
export function plainText(text: string, charactersMax = 2_000): string {
  const clean = text.toWellFormed().replace(UNPRINTABLE, '');
  return clean.length > charactersMax ? `${clean.slice(0, charactersMax).toWellFormed()}…` : clean;
}

/** C0 and C1 controls but tab and line feed, and the marks that reorder text (UAX #9). */
const UNPRINTABLE =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;
