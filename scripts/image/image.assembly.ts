import { execFile } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { CopySource } from './build.context.js';
import type { DockerfileRead, Stage, Step } from './dockerfile.reader.js';
import { readDockerfile, UnknownStep } from './dockerfile.reader.js';
import { filledBase, StageScope } from './stage.scope.js';

const run = promisify(execFile);
const STEP_MS_MAX = 10 * 60_000;
const OUTPUT_BYTES_MAX = 16 * 1024 * 1024;

/** What is passed on to a RUN of this machine: where its packages and certificates are, as an engine has them in its own. */
const OF_THIS_MACHINE =
  /^(HOME|TMPDIR|(https?|no)_proxy|NODE_EXTRA_CA_CERTS|SSL_CERT_(FILE|DIR))$/i;

export interface AssemblyOptions {
  /** The context: the folder with the Dockerfile. */
  readonly project: string;
  /** A folder of its own for every stage; they are left there. */
  readonly scratch: string;
  /** What `--build-arg` would give. */
  readonly args: ReadonlyMap<string, string>;
  readonly say: (line: string) => void;
}

/** What the Dockerfile makes: its files, less those of the image that it goes on from, and how it is started. */
export interface AssembledImage {
  /** Where the last stage's files are. */
  readonly root: string;
  readonly base: string;
  readonly user: string;
  readonly workdir: string;
  readonly env: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly entrypoint: readonly string[];
  readonly cmd: readonly string[];
  readonly ports: readonly string[];
}

interface Built {
  readonly root: string;
  readonly scope: StageScope;
  workdir: string;
  user: string;
  readonly labels: Record<string, string>;
  entrypoint: readonly string[];
  cmd: readonly string[];
  readonly ports: string[];
}

/**
 * Carries out the steps of a Dockerfile on a folder, where there is no engine. The images that it goes on from are empty
 * folders here: this machine's programs stand for theirs, with the Node that runs this first, and a RUN begins in its
 * working directory and may name nothing by an absolute path.
 *
 * @throws {UnknownStep} for what is not known; Error where a step fails, with what it said.
 */
export async function assembleImage(options: AssemblyOptions): Promise<AssembledImage> {
  const read = readDockerfile(readFileSync(join(options.project, 'Dockerfile'), 'utf8'));
  const built = new Map<string, Built>();
  const globals = new Map(
    [...read.args].map(([name, value]) => [name, options.args.get(name) ?? value]),
  );
  const unknown = [...options.args.keys()].find((name) => !isDeclared(read, name));
  if (unknown !== undefined) throw new Error(`the Dockerfile has no argument ${unknown}`);
  let last: { base: string; stage: Built } | undefined;
  for (const stage of read.stages) {
    const base = filledBase(stage.base, stage.line, globals);
    const before = built.get(base);
    const place = beginStage({ stage, before, globals, options });
    options.say(`stage ${stage.name ?? 'last'}, from ${before ? `stage ${base}` : base}`);
    for (const step of stage.steps) await carryOut(step, { place, built, options });
    if (stage.name !== undefined) built.set(stage.name, place);
    last = { base, stage: place };
  }
  if (!last) throw new Error('the Dockerfile has no stage');
  const { root, scope, user, workdir, labels, entrypoint, cmd, ports } = last.stage;
  return {
    root,
    base: last.base,
    user,
    workdir,
    env: scope.environment(),
    labels,
    entrypoint,
    cmd,
    ports,
  };
}

function isDeclared({ args, stages }: DockerfileRead, name: string): boolean {
  const steps = stages.flatMap((stage) => stage.steps);
  return args.has(name) || steps.some((step) => step.kind === 'arg' && step.name === name);
}

function beginStage(from: {
  readonly stage: Stage;
  readonly before: Built | undefined;
  readonly globals: ReadonlyMap<string, string | undefined>;
  readonly options: AssemblyOptions;
}): Built {
  const { stage, before, globals, options } = from;
  const root = mkdtempSync(join(options.scratch, `${stage.name ?? 'last'}-`));
  chmodSync(root, 0o755);
  if (before)
    cpSync(before.root, root, {
      recursive: true,
      preserveTimestamps: true,
      verbatimSymlinks: true,
    });
  return {
    root,
    scope: new StageScope(globals, options.args, before?.scope),
    workdir: before?.workdir ?? '/',
    user: before?.user ?? '0',
    labels: { ...before?.labels },
    entrypoint: before?.entrypoint ?? [],
    cmd: before?.cmd ?? [],
    ports: [...(before?.ports ?? [])],
  };
}

interface Surroundings {
  readonly place: Built;
  readonly built: ReadonlyMap<string, Built>;
  readonly options: AssemblyOptions;
}

async function carryOut(step: Step, around: Surroundings): Promise<void> {
  const { place } = around;
  const { scope } = place;
  switch (step.kind) {
    case 'arg':
      scope.declare(
        step.name,
        step.value === undefined ? undefined : scope.filled(step.value, step.line),
      );
      return;
    case 'env':
      scope.set(step.name, scope.filled(step.value ?? '', step.line));
      return;
    case 'label':
      place.labels[step.name] = scope.filled(step.value ?? '', step.line);
      return;
    case 'workdir':
      place.workdir = resolve(place.workdir, scope.filled(step.value, step.line));
      mkdirSync(join(place.root, place.workdir), { recursive: true });
      return;
    case 'user':
      place.user = scope.filled(step.value, step.line);
      return;
    case 'expose':
      place.ports.push(...step.ports);
      return;
    case 'entrypoint':
      place.entrypoint = step.words;
      return;
    case 'cmd':
      place.cmd = step.words;
      return;
    case 'copy':
      copy(step, around);
      return;
    case 'run':
      await runStep(step, around);
  }
}

function copy(
  step: Extract<Step, { kind: 'copy' }>,
  { place, built, options }: Surroundings,
): void {
  const target = resolve(place.workdir, step.target);
  const isInto = step.target.endsWith('/');
  const path = `${join(place.root, target)}${isInto ? '/' : ''}`;
  if (step.from === undefined) {
    CopySource.context(options.project).copy(step.sources, path);
    return;
  }
  const from = built.get(step.from);
  if (!from)
    throw new UnknownStep(step.line, `COPY --from=${step.from}: that is no stage before this one`);
  CopySource.stage(from.root).copy(step.sources, path);
}

async function runStep(
  { script, line }: Extract<Step, { kind: 'run' }>,
  { place, options }: Surroundings,
): Promise<void> {
  const absolute = /(?:^|[\s"'=:>])\/(?!dev\/null\b)\w+/.exec(script);
  if (absolute) {
    throw new UnknownStep(
      line,
      `RUN names ${absolute[0].trim()}, which would be this machine's own`,
    );
  }
  options.say(`  ${script.replaceAll(/\s+/g, ' ').slice(0, 100)}`);
  const machine = Object.entries(process.env).filter(([name]) => OF_THIS_MACHINE.test(name));
  try {
    await run('/bin/sh', ['-c', script], {
      cwd: join(place.root, place.workdir),
      env: {
        ...Object.fromEntries(machine),
        ...place.scope.variables(),
        PATH: `${dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin`,
      },
      timeout: STEP_MS_MAX,
      maxBuffer: OUTPUT_BYTES_MAX,
    });
  } catch (error) {
    const said = error instanceof Error && 'stderr' in error ? String(error.stderr) : '';
    throw new Error(`Dockerfile:${line}: RUN failed: ${said.trim()}`, { cause: error });
  }
}
