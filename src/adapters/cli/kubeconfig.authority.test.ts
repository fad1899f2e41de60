import { expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { withAuthority } from './kubeconfig.authority.js';

const broker = { server: 'https://hallpass.example.com', caPem: 'an authority' };

/** With a comment, which shows whether it was written anew. */
const config = (cluster: object) =>
  `# As it was sent.\n${stringify({ kind: 'Config', clusters: [{ name: 'c', cluster }] })}`;

test('the authority that the broker is trusted by is added where a kubeconfig brings none', () => {
  const server = `${broker.server}/kube/x`;
  const data = Buffer.from('an authority').toString('base64');
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
