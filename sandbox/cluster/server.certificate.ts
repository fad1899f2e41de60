import { generate } from 'selfsigned';

export interface ServerCertificate {
  caPem: string;
  certPem: string;
  keyPem: string;
}

/**
 * A certificate authority of its own and a certificate for 127.0.0.1 and localhost, valid for 30 days.
 *
 * @param goodUntil of the certificate alone.
 */
export async function makeServerCertificate(
  server: 'kube-apiserver' | 'hallpass' = 'kube-apiserver',
  goodUntil?: Date,
): Promise<ServerCertificate> {
  const notAfterDate = new Date(Date.now() + 30 * 24 * 3600 * 1000);
  // Two clocks of one machine may differ by a moment (containers, suspended laptops).
  const notBeforeDate = new Date(Date.now() - 3600_000);
  const shared = { keyType: 'ec', algorithm: 'sha256', notBeforeDate, notAfterDate } as const;
  const ca = await generate([{ name: 'commonName', value: `sandbox-ca-of-${server}` }], {
    ...shared,
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    ],
  });
  const leaf = await generate([{ name: 'commonName', value: server }], {
    ...shared,
    ...(goodUntil === undefined ? {} : { notAfterDate: goodUntil }),
    ca: { key: ca.private, cert: ca.cert },
    extensions: [
      { name: 'basicConstraints', cA: false, critical: true },
      { name: 'keyUsage', digitalSignature: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      {
        name: 'subjectAltName',
        altNames: [
          { type: 2, value: 'localhost' },
          { type: 7, ip: '127.0.0.1' },
        ],
      },
    ],
  });
  return { caPem: ca.cert, certPem: leaf.cert, keyPem: leaf.private };
}
