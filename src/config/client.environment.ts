import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Traceparent } from '../domain/traceparent.js';
import { parseTraceparent } from '../domain/traceparent.js';
import type { Environment } from './environment.js';
import { Secret } from './secret.js';

/** What the environment says to a client of the broker, which has no configuration file. */
export interface ClientEnvironment {
  /** The broker's address (`HALLPASS_SERVER`). */
  readonly server: string | undefined;
  /** An access token, for machines (`HALLPASS_TOKEN`). */
  readonly token: Secret | undefined;
  /** A file that holds one (`HALLPASS_TOKEN_FILE`), read anew each time. */
  readonly tokenFile: string | undefined;
  /** Where what was signed in to is kept: `hallpass` in `XDG_CONFIG_HOME`, or in `~/.config`. */
  readonly folder: string;
  /** The file that kubectl reads: the first of `KUBECONFIG`, or `~/.kube/config`. */
  readonly kubeconfig: string;
  /** The trace that the command is a part of (`TRACEPARENT`), as whoever runs it says. */
  readonly traceparent: Traceparent | undefined;
}

/** The variables of clients, of which the service knows nothing. */
export const CLIENT_VARIABLES = {
  HALLPASS_SERVER: 'the address of the broker',
  HALLPASS_TOKEN: 'an access token, in place of signing in',
  HALLPASS_TOKEN_FILE: 'a file that holds an access token; it is read anew for each command',
} as const;

export function readClientEnvironment(env: Environment = process.env): ClientEnvironment {
  const text = (name: string): string | undefined => (env[name] === '' ? undefined : env[name]);
  const home = text('HOME') ?? homedir();
  const token = text('HALLPASS_TOKEN');
  return {
    server: text('HALLPASS_SERVER'),
    token: token === undefined ? undefined : new Secret(token),
    tokenFile: text('HALLPASS_TOKEN_FILE'),
    folder: join(text('XDG_CONFIG_HOME') ?? join(home, '.config'), 'hallpass'),
    kubeconfig: text('KUBECONFIG')?.split(':')[0] ?? join(home, '.kube', 'config'),
    traceparent: parseTraceparent(text('TRACEPARENT')),
  };
}

/** The environment as the service's configuration is read from it, on a machine where people are clients too. */
export function withoutClientVariables(env: Environment = process.env): Environment {
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => !Object.hasOwn(CLIENT_VARIABLES, name)),
  );
}
