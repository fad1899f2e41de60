import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTls, TLSSocket } from 'node:tls';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeServerCertificate } from '../../sandbox/cluster/server.certificate.js';
import { builtProgram } from '../crash/built.tree.js';
import { CLIENTS } from './every.client.js';

const NAMES = Object.keys(CLIENTS);
/** A client of PostgreSQL asks first whether there is TLS (SSLRequest), and the server says yes. */
const AFTER_A_QUESTION: ReadonlySet<string> = new Set(['database', 'migrations']);
const TIMEOUT_MS = 60_000;

let folder: string;
let caFile: string;
let tls: { readonly cert: string; readonly key: string };
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'authority-'));
  caFile = join(folder, 'ca.pem');
  const { caPem, certPem, keyPem } = await makeServerCertificate('hallpass');
  await writeFile(caFile, caPem);
  tls = { cert: certPem, key: keyPem };
});
afterAll(() => rm(folder, { recursive: true }));

/** Servers with a certificate of an authority that nobody knows, one for each client: they note who speaks to them. */
async function servers(heard: Set<string>) {
  const made = NAMES.map((name) => {
    const hear = (socket: TLSSocket) => {
      socket.on('error', () => undefined);
      // Who does not trust the certificate says nothing.
      socket.once('data', () => {
        heard.add(name);
        socket.destroy();
      });
      // In SMTP the server speaks first.
      if (name === 'mail') socket.write('220 mail ESMTP\r\n');
    };
    const server = AFTER_A_QUESTION.has(name)
      ? createServer((socket) => {
          socket.once('data', () => {
            socket.write('S');
            hear(new TLSSocket(socket, { isServer: true, ...tls }));
          });
        })
      : createTls(tls, hear);
    return { name, server: server.listen(0, '127.0.0.1') };
  });
  await Promise.all(made.map(({ server }) => once(server, 'listening')));
  const ports = made.map(({ name, server }) => [name, (server.address() as AddressInfo).port]);
  const close = () => made.forEach(({ server }) => server.close());
  return { ports: Object.fromEntries(ports) as object, [Symbol.dispose]: close };
}

/** Which of the clients trust the authority in a process with this environment. */
async function trusting(env: Readonly<Record<string, string>>): Promise<string[]> {
  const heard = new Set<string>();
  using open = await servers(heard);
  const program = builtProgram('test/e2e', 'every-client.program');
  const child = fork(program, [JSON.stringify(open.ports)], {
    execArgv: [],
    env: { PATH: process.env['PATH'], ...env },
  });
  await once(child, 'exit');
  return [...heard].sort();
}

test(
  'whatever Hallpass connects to is trusted by the authority that NODE_EXTRA_CA_CERTS names, and by it alone',
  async () => {
    expect(await trusting({ NODE_EXTRA_CA_CERTS: caFile })).toEqual([...NAMES].sort());
    expect(await trusting({})).toEqual([]);
  },
  TIMEOUT_MS,
);
