import { resolve } from 'node:path';
import { Command } from 'commander';
import { Me } from '../../contract/me.schema.js';
import { SignInView } from '../../contract/sign-in.schema.js';
import { AccountStore } from './account.store.js';
import { serverAddress, trustFile } from './broker.access.js';
import { BrokerClient } from './broker.client.js';
import type { ClientOptions, CommandDeps, Running } from './client.command.js';
import { acting, clientCommand } from './client.command.js';
import type { Issuer } from './code.flow.js';
import { signIn } from './code.flow.js';
import { CommandFailure, trouble } from './command.failure.js';
import { EXIT, exitOfSignal } from './exit.codes.js';
import { timeText } from './person.time.js';
import { Questions } from './questions.js';
import { facts } from './styled.text.js';

interface LoginOptions extends ClientOptions {
  readonly issuer?: string;
  readonly browser: boolean;
}

/** `hallpass login`, `logout` and `whoami`. */
export function signInCommands(deps: CommandDeps): Command[] {
  const login = clientCommand(new Command('login'))
    .description('sign in to a broker, in a browser on this machine')
    .option('--issuer <url>', 'the identity provider, where there are several')
    .option('--no-browser', 'only print the address of the page')
    .action(acting<LoginOptions, []>(deps, runLogin));

  const logout = clientCommand(new Command('logout'))
    .description('forget the tokens for a broker')
    .action(
      acting<ClientOptions, []>(deps, async (running) => {
        const store = new AccountStore(running.world.env.folder);
        const server = await serverOf(running, store);
        const known = await store.forget(server);
        await running.say(
          known ? `You are signed out of ${server}.` : `You were not signed in to ${server}.`,
        );
        return EXIT.ok;
      }),
    );

  const whoami = clientCommand(new Command('whoami'))
    .description('say who you are to the broker, and until when')
    .action(
      acting<ClientOptions, []>(deps, async (running) => {
        const { server } = await running.access();
        const { value, raw } = await (await running.broker()).call('/v1/me', Me);
        const { person, roles, signedInUntil } = value;
        await running.show(raw, () =>
          facts([
            ['broker', server],
            ['who', person.name ?? person.email ?? person.sub],
            ['subject', person.sub],
            ['issuer', person.iss],
            ['groups', person.groups.join(', ')],
            ['roles', roles.length === 0 ? 'none' : roles.join(', ')],
            ['until', timeText(signedInUntil, running.moment)],
          ]),
        );
        return EXIT.ok;
      }),
    );
  return [login, logout, whoami];
}

async function runLogin(running: Running & { readonly options: LoginOptions }): Promise<number> {
  const { world, options } = running;
  const store = new AccountStore(world.env.folder);
  const server = await serverOf(running, store);
  const caFile = options.caFile === undefined ? undefined : resolve(options.caFile);
  const trusted = caFile ?? (await store.find(server))?.caFile;
  if (trusted !== undefined) await trustFile(world, trusted);
  // Whoever has no token yet sends none.
  const broker = new BrokerClient(server, () => Promise.resolve(undefined), world);
  const { value } = await broker.call('/v1/sign-in', SignInView);
  const issuer = await issuerOf(running, value.issuers);
  const stop = new AbortController();
  let signal: number | undefined;
  const stopListening = world.signals.listen((heard) => {
    signal ??= heard;
    stop.abort();
  });
  const show = (page: string): void => {
    running.tell(
      options.browser ? 'Your browser should open this page:' : 'Open this page in a browser here:',
      page,
    );
    if (options.browser) world.openPage(page);
  };
  const tokens = await signIn(issuer, show, stop.signal).catch((error: unknown) => {
    if (signal === undefined) throw error;
    throw new CommandFailure(exitOfSignal(signal), 'You were not signed in.');
  });
  stopListening();
  const { accessToken, expiresAtMs, refreshToken } = tokens;
  await store.keep({
    server,
    issuer: issuer.issuer,
    clientId: issuer.clientId,
    resource: issuer.resource,
    accessToken,
    expiresAtMs,
    ...(refreshToken === undefined ? {} : { refreshToken }),
    ...(trusted === undefined ? {} : { caFile: trusted }),
  });
  const mine = new BrokerClient(server, () => Promise.resolve(accessToken), world);
  const { value: me, raw } = await mine.call('/v1/me', Me);
  const { person, signedInUntil } = me;
  await running.show(raw, () => [
    `You are signed in to ${server} as ${person.name ?? person.sub}, ${
      refreshToken === undefined ? 'until' : 'for now until'
    } ${timeText(signedInUntil, running.moment)}.`,
  ]);
  return EXIT.ok;
}

async function serverOf({ world, options }: Running, store: AccountStore): Promise<string> {
  const named = options.server ?? world.env.server ?? (await store.current());
  if (named === undefined) throw trouble('Say which broker: --server URL, or HALLPASS_SERVER.');
  return serverAddress(named);
}

async function issuerOf(
  running: Running & { readonly options: LoginOptions },
  issuers: readonly Issuer[],
): Promise<Issuer> {
  const named = running.options.issuer;
  const [first] = issuers;
  if (first === undefined) {
    throw trouble(
      'The broker does not say where to sign in from the command line (identity.issuers[].cli): use HALLPASS_TOKEN.',
    );
  }
  if (named === undefined && issuers.length === 1) return first;
  const names = issuers.map(({ issuer }) => issuer);
  const chosen =
    named ??
    (running.asks
      ? await new Questions(running.world).choose(
          'Where do you sign in?',
          names.map((value) => ({ value })),
        )
      : undefined);
  const found = issuers.find(({ issuer }) => issuer === chosen);
  if (found) return found;
  throw trouble(`Say where you sign in with --issuer: ${names.join(', ')}.`);
}
