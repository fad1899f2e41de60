import { z } from 'zod';

/** An audit event of an API server (`audit.k8s.io/v1` Event), as far as it is read. */
const User = z.object({
  username: z.string().default(''),
  groups: z.array(z.string()).nullish(),
});

export const ApiAuditEvent = z.object({
  apiVersion: z.literal('audit.k8s.io/v1').optional(),
  auditID: z.string().min(1),
  stage: z.string(),
  verb: z.string(),
  requestURI: z.string(),
  user: User,
  impersonatedUser: User.nullish(),
  sourceIPs: z.array(z.string()).nullish(),
  userAgent: z.string().nullish(),
  objectRef: z
    .object({
      resource: z.string().default(''),
      subresource: z.string().default(''),
      namespace: z.string().default(''),
      name: z.string().default(''),
    })
    .nullish(),
  responseStatus: z.object({ code: z.int().nullish() }).nullish(),
  requestObject: z.unknown().optional(),
  requestReceivedTimestamp: z.iso.datetime({ offset: true }),
});

/** What an API server's audit webhook sends. Its items are read one by one: one that is none spoils no other. */
export const ApiAuditEvents = z
  .looseObject({
    kind: z.literal('EventList'),
    apiVersion: z.literal('audit.k8s.io/v1'),
    items: z.array(z.unknown()).max(10_000),
  })
  .meta({ id: 'KubernetesAuditEvents', description: 'An `audit.k8s.io/v1` EventList.' });

export const ApiAuditTaken = z
  .strictObject({
    read: z.int().meta({ description: 'How many entries were read.' }),
    unreadable: z.int().meta({ description: 'How many were not in a form that is known.' }),
  })
  .meta({ id: 'KubernetesAuditTaken' });
