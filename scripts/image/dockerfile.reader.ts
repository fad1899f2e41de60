import type { Instruction } from 'dockerfile-ast';
import * as ast from 'dockerfile-ast';

/** A step of a stage, in the words of the Dockerfile reference. Variables are not yet put in. */
export type Step = { readonly line: number } & (
  | { readonly kind: 'run'; readonly script: string; readonly secrets: readonly string[] }
  | {
      readonly kind: 'copy';
      /** A stage; without it, the context. */
      readonly from: string | undefined;
      readonly owner: string | undefined;
      readonly sources: readonly string[];
      readonly target: string;
    }
  | {
      readonly kind: 'arg' | 'env' | 'label';
      readonly name: string;
      readonly value: string | undefined;
    }
  | { readonly kind: 'workdir' | 'user'; readonly value: string }
  | { readonly kind: 'expose'; readonly ports: readonly string[] }
  | { readonly kind: 'entrypoint' | 'cmd'; readonly words: readonly string[] }
);

export interface Stage {
  readonly line: number;
  /** A stage before it, or an image. */
  readonly base: string;
  readonly name: string | undefined;
  readonly steps: readonly Step[];
}

export interface DockerfileRead {
  /** The arguments before the first stage, with their defaults. */
  readonly args: ReadonlyMap<string, string | undefined>;
  readonly stages: readonly Stage[];
}

/** A Dockerfile that does something of which nobody here knows what it would leave behind. */
export class UnknownStep extends Error {
  constructor(line: number, what: string) {
    super(`Dockerfile:${line}: ${what}`);
  }
}

/**
 * Reads a Dockerfile strictly: an instruction, a flag or a form that {@link Step} has no word for is refused, so that what
 * is carried out elsewhere is all that an engine would carry out.
 *
 * @throws {UnknownStep}
 */
export function readDockerfile(text: string): DockerfileRead {
  const dockerfile = ast.DockerfileParser.parse(text);
  const [directive] = dockerfile.getDirectives();
  if (directive) throw new UnknownStep(1, `the directive ${directive.getName()} is not known`);
  const args = new Map<string, string | undefined>();
  const stages: (Stage & { readonly steps: Step[] })[] = [];
  for (const instruction of dockerfile.getInstructions()) {
    const line = instruction.getRange().start.line + 1;
    const stage = stages.at(-1);
    if (instruction instanceof ast.From) {
      flagsOf(instruction, line, {});
      const base = instruction.getImage();
      if (base === null) throw new UnknownStep(line, 'FROM names no image');
      stages.push({ line, base, name: instruction.getBuildStage() ?? undefined, steps: [] });
    } else if (stage) stage.steps.push(...stepsOf(instruction, line));
    else if (instruction instanceof ast.Arg) {
      for (const { name, value } of pairsOf(instruction, line)) args.set(name, value);
    } else throw new UnknownStep(line, `${instruction.getKeyword()} before the first FROM`);
  }
  return { args, stages };
}

/** What each instruction is read by. What is not here is refused. */
const READERS: Readonly<Record<string, (it: Instruction, line: number) => Step[]>> = {
  RUN: (it, line) => {
    const script = it.getArgumentsContent()?.trim() ?? '';
    if (script.startsWith('[')) throw new UnknownStep(line, 'RUN in its exec form is not known');
    if (script.includes('<<')) throw new UnknownStep(line, 'RUN with a heredoc is not known');
    return [{ kind: 'run', line, script, secrets: secretsOf(it, line) }];
  },
  COPY: (it, line) => {
    const flags = flagsOf(it, line, { from: true, chown: true });
    const paths = it.getArguments().map((argument) => argument.getValue());
    const target = paths.pop();
    if (target === undefined || paths.length === 0) throw new UnknownStep(line, 'COPY of nothing');
    const odd = paths.find((path) => /[*?[\]<>"]/.test(path));
    if (odd !== undefined) throw new UnknownStep(line, `COPY of the pattern ${odd} is not known`);
    const from = flags.get('from');
    return [{ kind: 'copy', line, from, owner: flags.get('chown'), sources: paths, target }];
  },
  ARG: (it, line) => pairsOf(it, line).map((pair) => ({ kind: 'arg', line, ...pair })),
  ENV: (it, line) => pairsOf(it, line).map((pair) => ({ kind: 'env', line, ...pair })),
  LABEL: (it, line) => pairsOf(it, line).map((pair) => ({ kind: 'label', line, ...pair })),
  WORKDIR: (it, line) => [{ kind: 'workdir', line, value: onlyOf(it, line) }],
  USER: (it, line) => [{ kind: 'user', line, value: onlyOf(it, line) }],
  EXPOSE: (it, line) => [
    { kind: 'expose', line, ports: it.getArguments().map((argument) => argument.getValue()) },
  ],
  ENTRYPOINT: (it, line) => [{ kind: 'entrypoint', line, words: wordsOf(it, line) }],
  CMD: (it, line) => [{ kind: 'cmd', line, words: wordsOf(it, line) }],
};

function stepsOf(instruction: Instruction, line: number): Step[] {
  const keyword = instruction.getKeyword();
  const reader = Object.hasOwn(READERS, keyword) ? READERS[keyword] : undefined;
  if (!reader) throw new UnknownStep(line, `the instruction ${keyword} is not known`);
  return reader(instruction, line);
}

/** The flags of an instruction, each of which must be known. */
function flagsOf(
  it: Instruction,
  line: number,
  known: Readonly<Record<string, true>>,
): Map<string, string> {
  const flags = it instanceof ast.ModifiableInstruction ? it.getFlags() : [];
  return new Map(
    flags.map((flag) => {
      const [name, value] = [flag.getName(), flag.getValue()];
      if (!Object.hasOwn(known, name) || value === null) {
        throw new UnknownStep(line, `${it.getKeyword()} --${name} is not known`);
      }
      return [name, value];
    }),
  );
}

/** The ids of the secrets that a RUN may read. No other mount is known. */
function secretsOf(it: Instruction, line: number): string[] {
  return [...flagsOf(it, line, { mount: true }).values()].map((mount) => {
    const id = /^type=secret,id=(\w+),target=[\w./-]+$/.exec(mount)?.[1];
    if (id === undefined) throw new UnknownStep(line, `RUN --mount=${mount} is not known`);
    return id;
  });
}

function pairsOf(it: Instruction, line: number): { name: string; value: string | undefined }[] {
  if (!(it instanceof ast.PropertyInstruction)) throw new UnknownStep(line, 'no pairs are here');
  return it.getProperties().map((property) => {
    const value = property.getValue() ?? undefined;
    return { name: property.getName(), value };
  });
}

function onlyOf(it: Instruction, line: number): string {
  const [value, ...others] = it.getArguments().map((argument) => argument.getValue());
  if (value === undefined || others.length > 0) {
    throw new UnknownStep(line, `${it.getKeyword()} takes one word`);
  }
  return value;
}

/** The words of the exec form. The other form needs a shell, which the image has not. */
function wordsOf(it: Instruction, line: number): string[] {
  const words = it instanceof ast.JSONInstruction ? it.getJSONStrings() : [];
  if (words.length === 0)
    throw new UnknownStep(line, `${it.getKeyword()} in its shell form is not known`);
  return words.map((word) => word.getJSONValue());
}
