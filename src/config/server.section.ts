import { z } from 'zod';
import { isAddressRange, isOrigin, isPlainWebUrl, PLAIN_WEB_URL_RULE } from './address.rules.js';
import { DAY_SECONDS, onObjects, path, port, seconds, text } from './fields.js';

export const serverSection = z
  .strictObject({
    host: text(255)
      .default('0.0.0.0')
      .meta({ description: 'The address to listen on.', examples: ['127.0.0.1'] }),
    port: port
      .default(8080)
      .meta({ description: 'The port of the API. 0 takes any free one.', examples: [8443] }),
    managementPort: port.default(9090).meta({
      description: 'The port of `/healthz` and `/readyz`. 0 takes any free one.',
      examples: [9090],
    }),
    drainSeconds: seconds(0, DAY_SECONDS)
      .default(10)
      .meta({
        description:
          'How long a replica that is told to stop serves on while `/readyz` says `draining`: until nobody is sent to ' +
          'it any more, and people in terminals have been told. At 0 nobody is told.',
        examples: [30],
      }),
    graceSeconds: seconds(1, 2 * DAY_SECONDS)
      .default(45)
      .meta({
        description:
          'How long stopping may take in all, `drainSeconds` included; what has not ended then is cut. Keep it below the ' +
          "Pod's `terminationGracePeriodSeconds`, less what its preStop hook waits.",
        examples: [60],
      }),
    publicUrl: text(2048)
      .refine(isPlainWebUrl, PLAIN_WEB_URL_RULE)
      .meta({
        description: 'The address under which people reach the API, without a trailing slash.',
        examples: ['https://hallpass.example.com'],
      }),
    tls: z
      .strictObject({
        certFile: path.meta({
          description: 'The certificate chain, PEM.',
          examples: ['/tls/tls.crt'],
        }),
        keyFile: path.meta({ description: 'Its private key, PEM.', examples: ['/tls/tls.key'] }),
      })
      .exactOptional()
      .meta({ description: 'Serve HTTPS. Without it a proxy in front must.' }),
    origins: z
      .array(text(2048).refine(isOrigin, 'must be an origin, such as https://console.example.com'))
      .max(50)
      .default([])
      .meta({
        description:
          'The origins whose pages may open terminals and live views. None: that of `server.publicUrl`.',
        examples: [['https://console.example.com']],
      }),
    caFile: path.exactOptional().meta({
      description:
        'The certificate authority of `publicUrl`, PEM, to put into kubeconfigs. Without it they trust what the system trusts.',
      examples: ['/tls/ca.crt'],
    }),
    trustProxy: z
      .union(
        [z.boolean(), z.array(text(64).refine(isAddressRange, 'must be an address or CIDR'))],
        {
          error: 'must be true, false, or a list of addresses and CIDRs',
        },
      )
      .default(false)
      .meta({
        description:
          'Whose `X-Forwarded-*` headers to believe: nobody (`false`), the proxies at these addresses, or whoever ' +
          'connects (`true`: then a caller can forge the source address that the audit log records).',
        examples: [['10.0.0.0/8']],
      }),
  })
  .refine((it) => !(it.port > 0 && it.port === it.managementPort), {
    ...onObjects,
    path: ['managementPort'],
    error: 'must differ from server.port',
  })
  .refine((it) => !(it.drainSeconds >= it.graceSeconds), {
    ...onObjects,
    path: ['graceSeconds'],
    error: 'must be above server.drainSeconds',
  });
