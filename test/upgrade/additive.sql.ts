/** One thing in a migration that is not known to leave the release before at work. */
export interface Finding {
  readonly statement: string;
  readonly why: string;
}

/** What a statement may be, as it looks without comments; the name it is about is the first group. */
const ADDITIVE: readonly RegExp[] = [
  /^CREATE TABLE ("?\w+"?)/i,
  /^CREATE INDEX (?:CONCURRENTLY )?(?:IF NOT EXISTS )?\S+ ON ("?\w+"?)/i,
  /^CREATE FUNCTION ("?\w+"?)/i,
  /^GRANT /i,
  /^COMMENT ON /i,
  /^SET LOCAL /i,
  /^INSERT INTO "?schema_compatibility"?/i,
];

/** What it may be besides, on a table that the same migration makes. */
const ON_NEW_TABLES: readonly RegExp[] = [
  /^ALTER TABLE ("?\w+"?)/i,
  /^INSERT INTO ("?\w+"?)/i,
  /^CREATE UNIQUE INDEX (?:CONCURRENTLY )?\S+ ON ("?\w+"?)/i,
  /^CREATE (?:CONSTRAINT )?TRIGGER .*? ON ("?\w+"?)/i,
  /^REVOKE .*? ON (?:TABLE )?("?\w+"?)/i,
];

/**
 * What of a migration the release before may not bear: everything but new tables, new indexes that refuse nothing, new
 * functions, rights that are granted, and columns of old tables that may be left out. A guard for reviewers, no proof.
 */
export function notAdditive(sql: string): Finding[] {
  const statements = statementsOf(sql);
  const made = new Set(
    statements.flatMap((it) => {
      const name = /^CREATE TABLE ("?\w+"?)/i.exec(it)?.[1];
      return name === undefined ? [] : [bare(name)];
    }),
  );
  return statements.flatMap((statement) => {
    if (ADDITIVE.some((it) => it.test(statement))) return [];
    const on = ON_NEW_TABLES.map((it) => it.exec(statement)?.[1]).find((it) => it !== undefined);
    if (on !== undefined && made.has(bare(on))) return [];
    const why = /^ALTER TABLE /i.test(statement) ? columnsRefusal(statement) : 'is not additive';
    return why === undefined ? [] : [{ statement: statement.slice(0, 120), why }];
  });
}

/** Why the release before may not bear a change of an old table; undefined where it only gains columns. */
function columnsRefusal(statement: string): string | undefined {
  const actions = commaParts(statement.replace(/^ALTER TABLE (?:ONLY )?"?\w+"?\s*/i, ''));
  for (const action of actions) {
    if (!/^ADD COLUMN /i.test(action)) return 'changes more of an old table than to add columns';
    if (/\b(?:UNIQUE|PRIMARY KEY|REFERENCES|CHECK)\b/i.test(action))
      return 'adds a column that may refuse what the release before writes';
    // Rows are written whole (jsonb_populate_record): a column that a program does not know gets NULL, not its default.
    if (/\bNOT NULL\b/i.test(action))
      return 'adds a column that the release before leaves null, and that must not be';
  }
  return undefined;
}

/** The statements of a script, each on one line, without comments and without what is between dollar quotes. */
export function statementsOf(sql: string): string[] {
  const tokens = /--[^\n]*|\/\*[^]*?\*\/|\$(\w*)\$[^]*?\$\1\$|'(?:[^']|'')*'|"[^"]*"|;|[^]/g;
  const statements = [''];
  for (const [token] of sql.matchAll(tokens)) {
    const so = statements.pop() ?? '';
    if (token === ';') statements.push(so, '');
    else if (/^(?:--|\/\*)/.test(token)) statements.push(`${so} `);
    else statements.push(so + (/^\$\w*\$/.test(token) ? '$$' : token));
  }
  return statements.map((it) => it.replaceAll(/\s+/g, ' ').trim()).filter((it) => it !== '');
}

/** Split at commas that are in no parentheses. */
function commaParts(text: string): string[] {
  const parts = [''];
  let depth = 0;
  for (const [token] of text.matchAll(/'(?:[^']|'')*'|[^]/g)) {
    if (token === '(') depth++;
    if (token === ')') depth--;
    if (token === ',' && depth === 0) parts.push('');
    else parts.push((parts.pop() ?? '') + token);
  }
  return parts.map((it) => it.trim());
}

function bare(name: string): string {
  return name.replaceAll('"', '');
}
