import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import tls from 'node:tls';
import { expect, onTestFinished, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { makeServerCertificate } from '../../../sandbox/cluster/server.certificate.js';
import { isKnownAsUsual, withAuthority } from './kubeconfig.authority.js';

const PEM = '-----BEGIN CERTIFICATE-----\neA==\n-----END CERTIFICATE-----';
const broker = {
  server: 'https://hallpass.example.com',
  caPem: `of us\n${PEM}\n-----BEGIN PRIVATE KEY-----\neA==\n-----END PRIVATE KEY-----\n`,
};

/** With a comment, which shows whether it was written anew. */
const config = (cluster: object) =>
  `# As it was sent.\n${stringify({ kind: 'Config', clusters: [{ name: 'c', cluster }] })}`;

test('the authority that the broker is trusted by, and no key beside it, is added where a kubeconfig brings none', () => {
  const server = `${broker.server}/kube/x`;
  const data = Buffer.from(`${PEM}\n`).toString('base64');
  expect(parse(withAuthority(config({ server }), broker))).toEqual({
    kind: 'Config',
    clusters: [{ name: 'c', cluster: { server, 'certificate-authority-data': data } }],
  });
});

test('a kubeconfig that brings one, leads elsewhere or is none stays as it is', () => {
  for (const text of [
    config({ server: `${broker.server}/kube/x`, 'certificate-authority-data': 'eA==' }),
    config({ server: 'https://other.example.com/kube/x' }),
    config({ server: `${broker.server}:8443/kube/x` }),
    config({ server: 'nowhere' }),
    'text',
    '<html>: {',
  ])
    expect(withAuthority(text, broker)).toBe(text);
});

test('whether an address is known without naming an authority is seen by its certificate, or cannot be told', async () => {
  const { caPem, certPem, keyPem } = await makeServerCertificate('hallpass');
  const server = tls.createServer({ cert: certPem, key: keyPem }).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  for (const host of ['127.0.0.1', 'localhost']) {
    const url = `https://${host}:${port}`;
    expect(await isKnownAsUsual(url)).toBe(false);
    expect(await isKnownAsUsual(url, [caPem])).toBe(true);
  }
  server.close();
  await once(server, 'close');
  expect(await isKnownAsUsual(`https://127.0.0.1:${port}`)).toBeUndefined();
  expect(await isKnownAsUsual('http://127.0.0.1')).toBeUndefined();
});
