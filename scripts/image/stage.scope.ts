import { UnknownStep } from './dockerfile.reader.js';

/** The variables of a stage. As in an engine, a global argument counts in a stage only where the stage names it again. */
export class StageScope {
  private readonly env = new Map<string, string>();
  private readonly args = new Map<string, string>();

  constructor(
    /** The arguments before the first stage, as they were given or by default. */
    private readonly globals: ReadonlyMap<string, string | undefined>,
    /** The arguments that the builder gives. */
    private readonly given: ReadonlyMap<string, string>,
    /** The stage that this one goes on from. */
    before?: StageScope,
  ) {
    before?.env.forEach((value, name) => this.env.set(name, value));
  }

  declare(name: string, fallback: string | undefined): void {
    const value = this.given.get(name) ?? fallback ?? this.globals.get(name);
    if (value !== undefined) this.args.set(name, value);
  }

  set(name: string, value: string): void {
    this.env.set(name, value);
  }

  /** What a RUN of the stage has in its environment. */
  variables(): Record<string, string> {
    return Object.fromEntries([...this.args, ...this.env]);
  }

  /** What a container of it has in its environment. */
  environment(): Record<string, string> {
    return Object.fromEntries(this.env);
  }

  /** The text with its variables put in. @throws {UnknownStep} for one that is not declared. */
  filled(text: string, line: number): string {
    return filled(text, line, (name) => this.env.get(name) ?? this.args.get(name));
  }
}

/** The base of a stage, with the global arguments put in. */
export function filledBase(
  base: string,
  line: number,
  globals: ReadonlyMap<string, string | undefined>,
): string {
  return filled(base, line, (name) => globals.get(name));
}

function filled(text: string, line: number, of: (name: string) => string | undefined): string {
  return text.replaceAll(/\$(?:\{([^}]*)\}|(\w*))/g, (form, braced?: string, bare?: string) => {
    const name = braced ?? bare ?? '';
    const value = /^\w+$/.test(name) ? of(name) : undefined;
    if (value === undefined)
      throw new UnknownStep(line, `${form} is not a variable that is set here`);
    return value;
  });
}
