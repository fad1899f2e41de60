import { readFile, stat, writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { Option } from 'commander';
import { exportLog } from '../../app/export-log.js';
import type { Formatted } from '../../app/format-log.js';
import { formatLog } from '../../app/format-log.js';
import type { Verification } from '../../app/verify-log.js';
import { verifyLog } from '../../app/verify-log.js';
import type { LogFormat } from '../../domain/audit/log.formats.js';
import { isLogFormat, LOG_FORMATS } from '../../domain/audit/log.formats.js';
import type { VerifierKey } from '../../domain/audit/signed.note.js';
import { makeKey, readVerifier } from '../../domain/audit/signed.note.js';
import type { ClientOptions, CommandDeps, Running } from './client.command.js';
import { acting, clientCommand } from './client.command.js';
import { CommandFailure, trouble } from './command.failure.js';
import type { EvidenceTools } from './evidence.commands.js';
import { verifyArchive } from './evidence.commands.js';
import type { ExitCode } from './exit.codes.js';
import { EXIT } from './exit.codes.js';
import { LogFolder } from './log.folder.js';
import { Spinner } from './spinner.js';

const FILE_BYTES_MAX = 64 * 1024;

interface ExportOptions extends ClientOptions {
  readonly format: string;
}

interface VerifyOptions extends ClientOptions {
  readonly key: readonly string[];
  readonly older?: string;
}

/** `hallpass audit export`, `verify`, `keygen`: the log for whoever trusts nobody. */
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
  clientCommand(audit.command('keygen'))
    .description('make a key that signs the log; prints the key that verifies')
    .argument('<name>', 'its name: the origin of the log, such as hallpass.example.com/v1/audit')
    .argument('<file>', 'where to write the secret')
    .action(acting<ClientOptions, [string, string]>(deps, runKeygen));
}

async function runExport(
  running: Running & { readonly options: ExportOptions },
  folder: string,
): Promise<ExitCode> {
  const { format: formatName } = running.options;
  const broker = await running.broker();
  const files = new LogFolder(folder);
  const head = await taking(running, (progress) =>
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
  const told = isLogFormat(formatName) ? await formatTo(files, LOG_FORMATS[formatName]) : undefined;
  const facts = { origin, events: size, root: root.toString('base64'), folder, ...told };
  await running.show(facts, () => [
    `Took out ${size} events of ${origin} to ${folder}.`,
    ...(told ? [`${told.file} tells ${told.told} of them${droppedWords(told)}.`] : []),
    `Verify them with: hallpass audit verify ${folder} --key KEY`,
  ]);
  return EXIT.ok;
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
  return dropped === 0 ? '' : `: the bodies of the other ${dropped} were dropped`;
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
  const report = await taking(running, (progress) =>
    verifyLog({
      files: new LogFolder(folder),
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
  work: (progress: (events: number, of: number) => void) => Promise<T>,
): Promise<T> {
  using spinner = new Spinner(running);
  return await work((events, of) => spinner.show('log', () => `${events} of ${of} events …`));
}

async function runKeygen(running: Running, name: string, file: string): Promise<ExitCode> {
  let made: ReturnType<typeof makeKey>;
  try {
    made = makeKey(name);
  } catch (error) {
    throw trouble(`A key cannot be named ${JSON.stringify(name)}: no spaces, no plus.`, error);
  }
  try {
    await writeFile(file, `${made.signer}\n`, { mode: 0o600, flag: 'wx' });
  } catch (error) {
    throw trouble(
      `${file} cannot be written, or is there already: keys are not overwritten.`,
      error,
    );
  }
  await running.show({ verifier: made.verifier, file }, () => [
    made.verifier,
    '',
    `The secret is in ${file}. Give the line above to whoever verifies, by a way that does not lead through the broker.`,
  ]);
  return EXIT.ok;
}

/** A key as it was given, or the first line of the file of that name. */
async function verifierOf(given: string): Promise<VerifierKey> {
  const inline = readVerifier(given.trim());
  if (typeof inline !== 'string') return inline;
  if (/\+[0-9a-f]{8}\+/.test(given)) throw trouble(`The key ${given} ${inline}.`);
  const held = readVerifier(((await textIn(given)).split('\n')[0] ?? '').trim());
  if (typeof held === 'string') throw trouble(`What ${given} holds ${held}.`);
  return held;
}

async function textIn(file: string): Promise<string> {
  try {
    const bytes = await readFile(file);
    if (bytes.length > FILE_BYTES_MAX) throw new Error('too large');
    return bytes.toString('utf8');
  } catch (error) {
    throw trouble(`${file} cannot be read: name a file, or give the key itself.`, error);
  }
}

function factsOf({ head, older, ...rest }: Verification): object {
  const told = (it: Verification['head']) =>
    it && { origin: it.origin, size: it.size, root: it.root.toString('base64') };
  return { ...rest, checkpoint: told(head), older: told(older) };
}

function linesOf(report: Verification): string[] {
  const { head, keys, older, events, dropped, recordings, findings } = report;
  const about = [
    ...(head ? [`${head.origin}: ${head.size} events, signed by ${keys.join(' and ')}.`] : []),
    ...(dropped > 0
      ? [`The bodies of ${dropped} were dropped: their hashes are in the tree.`]
      : []),
    ...(recordings > 0 ? [`${recordings} recordings are those that were stored.`] : []),
  ];
  if (findings.length === 0) {
    const since = older ? ` It goes on from the older checkpoint of ${older.size} events.` : '';
    return [...about, `All ${events} events are as they were signed, and in order.${since}`];
  }
  const found = findings.map(({ index, what }) =>
    index === null
      ? `${what.charAt(0).toUpperCase()}${what.slice(1)}.`
      : `Event ${index}: ${what}.`,
  );
  return [...about, 'THE LOG IS NOT WHAT WAS SIGNED:', ...found];
}
