import { chmod, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Command } from 'commander';
import { parse, stringify } from 'yaml';
import type { ClientOptions, CommandDeps, Running } from './client.command.js';
import { acting, clientCommand } from './client.command.js';
import { trouble } from './command.failure.js';
import { EXIT } from './exit.codes.js';
import { isKnownAsUsual, withAuthority } from './kubeconfig.authority.js';
import { mergedKubeconfig } from './kubeconfig.merge.js';
import { sessionPathOf } from './session.follower.js';

interface KubeconfigOptions extends ClientOptions {
  readonly merge?: boolean;
  readonly file?: string;
  readonly token?: boolean;
  readonly cluster?: string;
}

/** `hallpass kubeconfig`, and `kube-credential`, which kubectl calls by itself. */
export function kubeCommands(deps: CommandDeps): Command[] {
  const kubeconfig = clientCommand(new Command('kubeconfig'))
    .description('what kubectl needs to reach a session, or a cluster by way of sessions')
    .argument('[id]', 'the session')
    .option('--cluster <name>', 'for good: kubectl debug there asks for sessions')
    .option('--merge', 'put it into the file that kubectl reads, and make it the current context')
    .option('--file <file>', 'write it to this file')
    .option('--token', 'with a token of the session in place of your own login')
    .action(acting<KubeconfigOptions, [string | undefined]>(deps, runKubeconfig));
  const credential = clientCommand(new Command('kube-credential'))
    .description('give kubectl your access token (an exec credential plugin; kubectl calls it)')
    .action(acting<ClientOptions, []>(deps, runCredential));
  return [kubeconfig, credential];
}

async function runKubeconfig(
  running: Running & { readonly options: KubeconfigOptions },
  id: string | undefined,
): Promise<number> {
  const { cluster, merge, file, token } = running.options;
  if ((id === undefined) === (cluster === undefined)) {
    throw trouble('Say either a session or --cluster NAME.');
  }
  const path =
    id === undefined
      ? `/v1/clusters/${encodeURIComponent(cluster ?? '')}/kubeconfig`
      : sessionPathOf(id, '/kubeconfig');
  const query = token === true ? '?credential=token' : '';
  const broker = await running.broker();
  const response = await broker.stream(path + query, { headers: { accept: '*/*' } });
  const sent = await response.text();
  const { server, caPem } = await running.access();
  const isNeeded = caPem !== undefined && (await isKnownAsUsual(server)) === false;
  const text = isNeeded ? withAuthority(sent, { server, caPem }) : sent;
  if (merge === true) {
    const into = running.world.env.kubeconfig;
    const before = await readFile(into, 'utf8').catch(absent);
    const merged = mergedKubeconfig(before === undefined ? {} : parse(before), parse(text));
    if (typeof merged === 'string') throw trouble(`${into} ${merged}`);
    await writePrivately(into, stringify(merged.config));
    running.tell(`kubectl now uses the context ${merged.context} of ${into}.`);
  } else if (file !== undefined) {
    await writePrivately(file, text);
    running.tell(`kubectl --kubeconfig ${file} reaches it.`);
  } else await running.world.screen.out(text);
  return EXIT.ok;
}

export const CREDENTIAL_VERSION = 'client.authentication.k8s.io/v1';

/** The credential as kubectl takes it (client.authentication.k8s.io/v1). */
async function runCredential(running: Running): Promise<number> {
  const { token, expiresAtMs } = await (await running.access()).token();
  const credential = {
    apiVersion: CREDENTIAL_VERSION,
    kind: 'ExecCredential',
    status: {
      token,
      ...(expiresAtMs === undefined
        ? {}
        : { expirationTimestamp: new Date(expiresAtMs).toISOString().replace(/\.\d+Z$/, 'Z') }),
    },
  };
  await running.world.screen.out(`${JSON.stringify(credential)}\n`);
  return EXIT.ok;
}

/** Writes a file that its owner alone may read; whoever reads it meanwhile reads the one before. */
async function writePrivately(file: string, text: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const fresh = `${file}.${process.pid}`;
  await rm(fresh, { force: true });
  await writeFile(fresh, text, { mode: 0o600, flag: 'wx' });
  await chmod(fresh, 0o600);
  await rename(fresh, file);
}

function absent(error: unknown): undefined {
  if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
}
