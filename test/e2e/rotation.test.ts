import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { connect } from 'node:tls';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { ApiClient } from '../../sandbox/broker/api.client.js';
import { makeServerCertificate } from '../../sandbox/cluster/server.certificate.js';
import { asAdmin } from '../../sandbox/database/hallpass.roles.js';
import { roleUrl } from '../../sandbox/database/role.urls.js';
import { freePort } from '../../sandbox/free.port.js';
import { PEOPLE } from '../../sandbox/identity/people.js';
import type { Broker } from '../../src/broker.js';
import { isStartRefusal, startBroker } from '../../src/broker.js';
import { configProblemText, isConfigProblem } from '../../src/config/config.problem.js';
import { loadConfig } from '../../src/config/load.config.js';
import { BrokerLab } from '../support/broker.lab.js';

/** Files are looked at every five seconds. */
const SEEN_MS_MAX = 15_000;

let lab: BrokerLab;
let role: string;
beforeAll(async () => {
  lab = await BrokerLab.start();
  role = `rotated_${process.pid}`;
  await sql(`CREATE ROLE ${role} LOGIN PASSWORD 'one'`);
  await sql(`GRANT hallpass_service TO ${role}`);
}, 120_000);
afterAll(async () => {
  await lab[Symbol.asyncDispose]();
  const server = roleUrl(lab.database.adminUrl, { database: 'postgres' });
  await asAdmin(server, (client) => client.query(`DROP ROLE IF EXISTS ${role}`));
});

const sql = (text: string) => asAdmin(lab.database.adminUrl, (client) => client.query(text));

function urlWith(password: string): string {
  const url = new URL(lab.database.serviceUrl);
  url.username = role;
  url.password = password;
  return url.href;
}

/** A broker whose database's password and whose certificate are in files of its own. */
async function started(): Promise<{
  broker: Broker;
  files: Record<'url' | 'cert' | 'key', string>;
}> {
  const { folder, tls } = lab.sandbox;
  const own = (name: string) => join(folder, `rotated-${name}`);
  const files = { url: own('url'), cert: own('cert'), key: own('key') };
  await writeFile(files.url, urlWith('one'), { mode: 0o600 });
  await copyFile(tls.certFile, files.cert);
  await copyFile(tls.keyFile, files.key);
  const { path } = await lab.config({
    server: {
      port: await freePort(0),
      tls: { certFile: files.cert, keyFile: files.key, caFile: tls.caFile },
    },
  });
  const document = parse(await readFile(path, 'utf8')) as { database: object };
  document.database = { urlFile: files.url, poolSize: 10 };
  await writeFile(path, stringify(document));
  const config = loadConfig({ HALLPASS_CONFIG: path });
  if (isConfigProblem(config)) throw new Error(configProblemText(config));
  const broker = await startBroker(config);
  if (isStartRefusal(broker)) throw new Error(broker.refused);
  return { broker, files };
}

async function opened(broker: Broker, ca: string): Promise<TLSSocket> {
  const { port } = new URL(broker.url);
  const socket = connect({ port: Number(port), host: '127.0.0.1', ca, rejectUnauthorized: false });
  await new Promise((resolve, reject) =>
    socket.once('secureConnect', resolve).once('error', reject),
  );
  return socket;
}

async function fingerprintNow(broker: Broker): Promise<string> {
  const socket = await opened(broker, '');
  const { fingerprint256 } = socket.getPeerCertificate();
  socket.destroy();
  return fingerprint256;
}

test('a password and a certificate that are changed while it serves are taken up, and no connection is dropped for it', async () => {
  const { broker, files } = await started();
  try {
    const { caPem } = lab.sandbox.tls;
    const old = await opened(broker, caPem);
    const before = await fingerprintNow(broker);
    const next = await makeServerCertificate('hallpass');

    await sql(`ALTER ROLE ${role} PASSWORD 'two'`);
    await writeFile(files.url, urlWith('two'));
    await writeFile(files.cert, next.certPem);
    await writeFile(files.key, next.keyPem);
    await expect.poll(() => fingerprintNow(broker), { timeout: SEEN_MS_MAX }).not.toBe(before);
    const metrics = async () => (await fetch(`${broker.managementUrl}/metrics`)).text();
    // Each file by itself: one may be taken up after the other.
    for (const told of [
      'hallpass_files_renewed_total{key="server.tls"} 1',
      'hallpass_files_renewed_total{key="database.urlFile"} 1',
      'hallpass_file_unused{key="database.urlFile"} 0',
    ])
      await expect.poll(metrics, { timeout: SEEN_MS_MAX }).toContain(told);

    // Every connection to the database is made anew.
    await sql(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '${role}'`);
    const robin = new ApiClient(
      broker.url,
      await lab.sandbox.identity.tokenFor(PEOPLE.requester),
      next.caPem,
    );
    await expect
      .poll(async () => (await robin.call('GET', '/v1/sessions')).status, { timeout: SEEN_MS_MAX })
      .toBe(200);

    const answered = new Promise((resolve) => old.once('data', resolve));
    old.write('GET /v1/policies/nothing HTTP/1.1\r\nhost: x\r\n\r\n');
    expect(String(await answered)).toMatch(/^HTTP\/1\.1 40/);
    old.destroy();
  } finally {
    await broker.stop();
  }
}, 60_000);
