import { stat } from 'node:fs/promises';
import type { Command } from 'commander';
import { Option } from 'commander';
import { exportLog } from '../../app/export-log.js';
import type { TakenRecordings } from '../../app/export-recordings.js';
import { exportRecordings } from '../../app/export-recordings.js';
import type { Formatted } from '../../app/format-log.js';
import { formatLog } from '../../app/format-log.js';
import { verifyLog } from '../../app/verify-log.js';
import type { LogFormat } from '../../domain/audit/log.formats.js';
import { CutOff } from '../../domain/recording/stored.form.js';
import { isLogFormat, LOG_FORMATS } from '../../domain/audit/log.formats.js';
import type { ClientOptions, CommandDeps, Running } from './client.command.js';
import { acting, clientCommand } from './client.command.js';
import { CommandFailure, trouble } from './command.failure.js';
import type { EvidenceTools } from './evidence.commands.js';
import { verifyArchive } from './evidence.commands.js';
import type { ExitCode } from './exit.codes.js';
import { EXIT } from './exit.codes.js';
import { addLogKeyCommands, verifierOf } from './log-key.commands.js';
import { LogFolder } from './log.folder.js';
import { recordingPathOf } from './recording.commands.js';
import { counted } from './screen.js';
import { Spinner } from './spinner.js';
import { textIn } from './text.file.js';
import { factsOf, linesOf } from './verification.text.js';

interface ExportOptions extends ClientOptions {
  readonly format: string;
  readonly recordings?: boolean;
}

interface VerifyOptions extends ClientOptions {
  readonly key: readonly string[];
  readonly older?: string;
}

/** `hallpass audit export`, `verify`, `keys`, `keygen`: the log for whoever trusts nobody. */
export function addLogCommands(
  audit: Command,
  deps: CommandDeps,
  tools: () => Promise<EvidenceTools>,
): void {
  clientCommand(audit.command('export'))
    .description(
      'take the whole log out, in the form of c2sp.org/tlog-tiles; what is there is kept',
    )
    .argument('<folder>', 'where to write it')
    .addOption(
      new Option('--format <format>', 'a form for other tools, written beside the log')
        .choices(['tiles', ...Object.keys(LOG_FORMATS)])
        .default('tiles'),
    )
    .option(
      '--recordings',
      'with the recordings that its events tell of, as they are stored; reading each is an event',
    )
    .action(acting<ExportOptions, [string]>(deps, runExport));
  clientCommand(audit.command('verify'))
    .description(
      'verify a log that was taken out, or the evidence of a session, offline: nothing of a broker is believed',
    )
    .argument('<folder>', 'the log, or the archive of evidence')
    .requiredOption(
      '--key <key>',
      'a key that signs it, as name+keyID+base64, or a file that holds it; may be given again',
      (key: string, keys: readonly string[] | undefined) => [...(keys ?? []), key],
    )
    .option('--older <file>', 'a checkpoint that was put by before: the log must go on from it')
    .action(
      acting<VerifyOptions, [string]>(deps, (running, place) => runVerify(running, place, tools)),
    );
  addLogKeyCommands(audit, deps);
}

async function runExport(
  running: Running & { readonly options: ExportOptions },
  folder: string,
): Promise<ExitCode> {
  const { format: formatName, recordings: withRecordings = false } = running.options;
  const broker = await running.broker();
  const files = new LogFolder(folder);
  const head = await taking(running, 'event', (progress) =>
    exportLog({
      to: files,
      source: async (path) => {
        try {
          const response = await broker.stream(`/v1/audit/${path}`, { headers: { accept: '*/*' } });
          return Buffer.from(await response.arrayBuffer());
        } catch (error) {
          if (error instanceof CommandFailure && error.code === 'not-found') return undefined;
          throw error;
        }
      },
      progress,
    }),
  );
  if (head === undefined)
    throw trouble('The broker has signed nothing yet: try again in a moment.');
  const { origin, size, root } = head;
  const recordings = withRecordings ? await takeRecordings(running, files) : undefined;
  const told = isLogFormat(formatName) ? await formatTo(files, LOG_FORMATS[formatName]) : undefined;
  const facts = {
    origin,
    events: size,
    root: root.toString('base64'),
    folder,
    recordings,
    ...told,
  };
  await running.show(facts, () => [
    `Took out ${counted(size, 'event')} of ${origin} to ${folder}.`,
    ...(told ? [`${told.file} tells ${told.told} of them${droppedWords(told)}.`] : []),
    ...(recordings ? recordingLines(recordings) : []),
    `Verify them with: hallpass audit verify ${folder} --key KEY`,
  ]);
  return EXIT.ok;
}

async function takeRecordings(running: Running, files: LogFolder): Promise<TakenRecordings> {
  const broker = await running.broker();
  const source = async (recording: string) => {
    try {
      const path = recordingPathOf(recording, '/stored');
      const { body } = await broker.stream(path, { headers: { accept: '*/*' } });
      return body ?? undefined;
    } catch (error) {
      if (error instanceof CommandFailure && error.code === 'not-found') return undefined;
      throw error;
    }
  };
  try {
    return await taking(running, 'recording', (progress) =>
      exportRecordings({ source, files, progress }),
    );
  } catch (error) {
    if (error instanceof CommandFailure || !isBroken(error)) throw error;
    throw trouble(
      'A recording broke off: run the same again, which goes on from there, and see the log of the broker.',
      error,
    );
  }
}

/** What a connection throws that ends amid its answer. */
function isBroken(error: unknown): boolean {
  return error instanceof TypeError || error instanceof CutOff;
}

function recordingLines({ taken, dropped, absent }: TakenRecordings): string[] {
  return [
    `${counted(taken, 'recording is', 'recordings are')} there${goneWords(dropped)}.`,
    ...(absent.length === 0
      ? []
      : [
          absent.length === 1
            ? `The broker does not give one other, ${absent[0]}: if it was dropped just now, run the same again.`
            : `The broker does not give ${absent.length} others, the first of them ${absent[0]}: if they were dropped just now, run the same again.`,
        ]),
  ];
}

function goneWords(dropped: number): string {
  if (dropped === 0) return '';
  return dropped === 1
    ? ': the other one was dropped at the end of its time'
    : `: the other ${dropped} were dropped at the end of their time`;
}

/** Writes the events in another form: a file of the folder, whole or as it was. */
async function formatTo(
  files: LogFolder,
  format: LogFormat,
): Promise<{ file: string; told: number; dropped: number }> {
  const name = `events.${format.suffix}`;
  let formatted: Formatted = { events: 0, dropped: 0 };
  const file = await files.stream(name, async (write) => {
    formatted = await formatLog({ files, format, write });
  });
  return { file, told: formatted.events, dropped: formatted.dropped };
}

function droppedWords({ dropped }: { readonly dropped: number }): string {
  if (dropped === 0) return '';
  return dropped === 1
    ? ': the body of the other one was dropped'
    : `: the bodies of the other ${dropped} were dropped`;
}

async function runVerify(
  running: Running & { readonly options: VerifyOptions },
  folder: string,
  tools: () => Promise<EvidenceTools>,
): Promise<ExitCode> {
  const { key, older } = running.options;
  const verifiers = await Promise.all(key.map(verifierOf));
  const olderNote = older === undefined ? undefined : await textIn(older);
  if (await isFile(folder)) {
    const given = { file: folder, verifiers, ...(olderNote === undefined ? {} : { olderNote }) };
    return verifyArchive(running, await tools(), given);
  }
  const files = new LogFolder(folder);
  if ((await stat(folder).catch(() => undefined)) === undefined) {
    throw trouble(`Nothing is there: ${folder}.`);
  }
  if (!(await files.holds('tile')) && (await files.read('checkpoint')) === undefined) {
    throw trouble(`No log is there: ${folder} has neither a checkpoint nor tiles.`);
  }
  const report = await taking(running, 'event', (progress) =>
    verifyLog({
      files,
      verifiers,
      ...(olderNote === undefined ? {} : { olderNote }),
      progress,
    }),
  );
  await running.show(factsOf(report), () => linesOf(report));
  return report.findings.length === 0 ? EXIT.ok : EXIT.found;
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isFile() === true;
}

/** Says how far it is while it runs. */
async function taking<T>(
  running: Running,
  what: 'event' | 'recording',
  work: (progress: (count: number, of: number) => void) => Promise<T>,
): Promise<T> {
  using spinner = new Spinner(running);
  return await work((count, of) => spinner.show(what, () => `${count} of ${counted(of, what)} …`));
}
