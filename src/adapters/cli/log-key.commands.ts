import { writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { LogKeys } from '../../contract/log.schema.js';
import type { VerifierKey } from '../../domain/audit/signed.note.js';
import { makeKey, readSigner, readVerifier } from '../../domain/audit/signed.note.js';
import type { ClientOptions, CommandDeps, Running } from './client.command.js';
import { acting, clientCommand } from './client.command.js';
import { trouble } from './command.failure.js';
import type { ExitCode } from './exit.codes.js';
import { EXIT } from './exit.codes.js';
import { textIn } from './text.file.js';

const SECRET = 'PRIVATE+KEY+';

interface KeygenOptions extends ClientOptions {
  readonly show?: string;
}

/** `hallpass audit keys`, `keygen`: the keys that sign the log, and those that verify it. */
export function addLogKeyCommands(audit: Command, deps: CommandDeps): void {
  clientCommand(audit.command('keys'))
    .description('show the keys that verify the log, as the broker tells them')
    .action(acting<ClientOptions, []>(deps, runKeys));
  clientCommand(audit.command('keygen'))
    .description('make a key that signs the log; prints the key that verifies')
    .argument('[name]', 'its name: the origin of the log, such as hallpass.example.com/v1/audit')
    .argument('[file]', 'where to write the secret')
    .option('--show <file>', 'make none: print the key that verifies what this secret key signs')
    .action(acting<KeygenOptions, [string | undefined, string | undefined]>(deps, runKeygen));
}

async function runKeys(running: Running): Promise<ExitCode> {
  const { value, raw } = await (await running.broker()).call('/v1/audit/keys', LogKeys);
  await running.show(raw, () => [...value.keys]);
  running.tell(
    `The broker says that these sign ${value.origin}. That proves nothing against the broker itself: have the key from who made it, or compare it with theirs.`,
  );
  return EXIT.ok;
}

async function runKeygen(
  running: Running & { readonly options: KeygenOptions },
  name: string | undefined,
  file: string | undefined,
): Promise<ExitCode> {
  const { show } = running.options;
  if (show !== undefined && name === undefined) return showVerifier(running, show);
  if (show !== undefined || name === undefined || file === undefined) {
    throw trouble('Give a name and a file for a new key, or --show and the file of a secret key.');
  }
  return makeInto(running, name, file);
}

async function showVerifier(running: Running, file: string): Promise<ExitCode> {
  const signer = readSigner(firstLine(await textIn(file)));
  if (typeof signer === 'string') throw trouble(`What ${file} holds ${signer}.`);
  await running.show({ verifier: signer.verifier.text, file }, () => [signer.verifier.text]);
  return EXIT.ok;
}

async function makeInto(running: Running, name: string, file: string): Promise<ExitCode> {
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

/** A key as it was given, or the first line of the file of that name. A secret one is never told again. */
export async function verifierOf(given: string): Promise<VerifierKey> {
  if (given.trim().startsWith(SECRET)) {
    throw trouble(
      'This is the secret key, which now is in the history of your shell: --key wants the one that verifies, which hallpass audit keygen --show FILE prints.',
    );
  }
  const inline = readVerifier(given.trim());
  if (typeof inline !== 'string') return inline;
  if (/\+[0-9a-f]{8}\+/.test(given)) throw trouble(`The key ${given} ${inline}.`);
  const line = firstLine(await textIn(given));
  if (line.startsWith(SECRET)) {
    throw trouble(
      `${given} holds the secret key: --key wants the one that verifies, which hallpass audit keygen --show ${given} prints.`,
    );
  }
  const held = readVerifier(line);
  if (typeof held === 'string') throw trouble(`What ${given} holds ${held}.`);
  return held;
}

function firstLine(text: string): string {
  return (text.split('\n')[0] ?? '').trim();
}
