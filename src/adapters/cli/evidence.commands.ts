import { createReadStream } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import type { Command } from 'commander';
import type { Archives } from '../../app/ports/archives.js';
import type { VerifierKey } from '../../domain/audit/signed.note.js';
import type { EvidenceVerification } from '../../app/verify-evidence.js';
import { verifyEvidence } from '../../app/verify-evidence.js';
import type { ClientOptions, CommandDeps, Running } from './client.command.js';
import { acting, clientCommand } from './client.command.js';
import { trouble } from './command.failure.js';
import type { ExitCode } from './exit.codes.js';
import { EXIT } from './exit.codes.js';
import { sessionPathOf } from './session.follower.js';
import { counted, sized } from './screen.js';
import { Spinner } from './spinner.js';
import { allText, storedLines } from './verification.text.js';

interface EvidenceOptions extends ClientOptions {
  readonly file?: string;
  readonly force?: boolean;
}

/** What reads archives: loaded when one is to be read. */
export interface EvidenceTools {
  readonly archives: Archives;
  readonly decompress: (bytes: Uint8Array) => Promise<Buffer>;
}

/** `hallpass audit evidence`: all of a session in one archive, for whoever trusts nobody. */
export function addEvidenceCommand(audit: Command, deps: CommandDeps): void {
  clientCommand(audit.command('evidence'))
    .description('take all evidence of a session, in one archive that proves itself')
    .argument('<session>', 'the session')
    .option('--file <file>', 'where to write it (default: hallpass-evidence-<session>.tar.gz)')
    .option('--force', 'write over a file that is there')
    .action(acting<EvidenceOptions, [string]>(deps, runEvidence));
}

async function runEvidence(
  running: Running & { readonly options: EvidenceOptions },
  session: string,
): Promise<ExitCode> {
  const { file, force = false } = running.options;
  const broker = await running.broker();
  const name = file ?? `hallpass-evidence-${session.replaceAll(/[^\w-]/g, '_')}.tar.gz`;
  if (!force) await isFree(name);
  const response = await broker.stream(sessionPathOf(session, '/evidence'), {
    headers: { accept: 'application/gzip' },
  });
  if (!response.body) throw trouble(`There is no evidence of session ${session}.`);
  const bytes = await writeWhole(running, { name, force, parts: response.body });
  await running.show({ session, file: name, bytes }, () => [
    `Took the evidence of session ${session} to ${name}: ${sized(bytes)}.`,
    `Verify it with: hallpass audit verify ${name} --key KEY`,
  ]);
  return EXIT.ok;
}

async function isFree(name: string): Promise<void> {
  try {
    await (await open(name, 'r')).close();
  } catch {
    return;
  }
  throw isThere(name);
}

function isThere(name: string, cause?: unknown) {
  return trouble(`${name} is there already: name another file, or give --force.`, cause);
}

/** The file is there whole, or as it was before. */
async function writeWhole(
  running: Running,
  { name, force, parts }: { name: string; force: boolean; parts: AsyncIterable<Uint8Array> },
): Promise<number> {
  using spinner = new Spinner(running);
  const growing = `${name}.part`;
  const file = await open(growing, 'w', 0o600).catch((error: unknown) => {
    throw trouble(`${growing} cannot be written: name another file.`, error);
  });
  let bytes = 0;
  try {
    for await (const part of parts) {
      await file.writeFile(part);
      bytes += part.length;
      spinner.show('evidence', () => `${sized(bytes)} …`);
    }
    await file.sync();
    await file.close();
    if (!force) await isFree(name);
    await rename(growing, name);
  } catch (error) {
    await file.close().catch(() => undefined);
    await rm(growing, { force: true });
    throw error instanceof TypeError
      ? trouble('The evidence broke off: take it again, and see the log of the broker.', error)
      : error;
  }
  return bytes;
}

/** `hallpass audit verify` on an archive. */
export async function verifyArchive(
  running: Running,
  tools: EvidenceTools,
  {
    file,
    verifiers,
    olderNote,
  }: { file: string; verifiers: readonly VerifierKey[]; olderNote?: string },
): Promise<ExitCode> {
  using spinner = new Spinner(running);
  const report = await verifyEvidence({
    archive: tools.archives.unpack(createReadStream(file)),
    verifiers,
    decompress: tools.decompress,
    ...(olderNote === undefined ? {} : { olderNote }),
    progress: (files) => spinner.show('evidence', () => `${counted(files, 'file')} …`),
  });
  spinner.hide();
  await running.show(factsOf(report), () => evidenceLines(report));
  return report.findings.length === 0 ? EXIT.ok : EXIT.found;
}

function factsOf({ head, ...rest }: EvidenceVerification): object {
  const checkpoint = head && {
    origin: head.origin,
    size: head.size,
    root: head.root.toString('base64'),
  };
  return { ...rest, checkpoint };
}

/** What `hallpass audit verify` says of an archive. */
export function evidenceLines(report: EvidenceVerification): string[] {
  const { head, keys, session, takenAt, events, dropped, recordings, notes, findings } = report;
  const about = [
    `Evidence of session ${session ?? '?'}${takenAt === null ? '' : `, taken at ${takenAt}`}.`,
    ...(head
      ? [`${head.origin}: ${counted(head.size, 'event')}, signed by ${keys.join(' and ')}.`]
      : []),
    ...(dropped > 0
      ? [
          `The texts of ${counted(dropped, 'event')} were dropped: their hashes are in the tree. That their time was over is not in this archive: an export of the whole log has the events that say so.`,
        ]
      : []),
    ...storedLines(recordings),
    ...notes,
  ];
  if (findings.length === 0) {
    return [
      ...about,
      `${allText(events)} in the log as ${events === 1 ? 'it was' : 'they were'} signed, ${stepsText(dropped)}, and every file is what the log vouches for.`,
    ];
  }
  return [
    ...about,
    'THE EVIDENCE IS NOT WHAT WAS SIGNED:',
    ...findings.map(({ file, what }) =>
      file === null ? `${what.charAt(0).toUpperCase()}${what.slice(1)}.` : `${file}: ${what}.`,
    ),
  ];
}

/** Of the versions that can be read: what was dropped may have been any of those that cannot. */
function stepsText(dropped: number): string {
  return dropped > 0
    ? "no more of the session's steps are missing than texts were dropped"
    : "none of the session's steps is missing";
}
