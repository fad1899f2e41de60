/** One mistake: what is wrong with the key at `path`, and where it was written. */
export interface ConfigMistake {
  /** The key's path with dots and `[n]`; empty where the mistake is about no key. */
  readonly path: string;
  /** `file:line:column`, or the variable's name; empty where nothing was written. */
  readonly where: string;
  readonly message: string;
}

/** Why there is no configuration: every mistake at once. No message quotes a value. */
export interface ConfigProblem {
  readonly mistakes: readonly ConfigMistake[];
}

export function isConfigProblem(value: object): value is ConfigProblem {
  return 'mistakes' in value;
}

/** The mistakes as text, one a line: `where: path: message`. */
export function configProblemText({ mistakes }: ConfigProblem): string {
  return mistakes
    .map((it) => [it.where, it.path, it.message].filter((part) => part !== '').join(': '))
    .join('\n');
}
