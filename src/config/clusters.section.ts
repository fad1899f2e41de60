import { z } from 'zod';
import {
  DNS_LABEL,
  DNS_LABEL_RULE,
  LABEL_GLOB,
  LABEL_GLOB_RULE,
} from '../domain/kubernetes-name.js';
import { eachOnce, onLists, onObjects, path, text } from './fields.js';

const audit = z
  .strictObject({
    account: text(512).meta({
      description: 'The broker’s account there, as the API server names it.',
      examples: ['system:serviceaccount:hallpass:hallpass'],
    }),
    tokenFile: path.exactOptional().meta({
      description:
        'The file of the token with which the API server’s audit webhook sends to `/v1/clusters/<name>/audit`: 32 characters at least. Without it nothing is taken there.',
      examples: ['/run/secrets/audit-webhook-prod-eu'],
    }),
    logFile: path.exactOptional().meta({
      description: 'The audit log file of the API server, where this machine has it.',
      examples: ['/var/log/kubernetes/audit.log'],
    }),
  })
  .refine((it) => it.tokenFile !== undefined || it.logFile !== undefined, {
    ...onObjects,
    path: ['tokenFile'],
    error: 'give a tokenFile, a logFile, or both',
  });

/** `system:` is what Kubernetes itself calls users and groups, some of which may do anything. */
const notOfTheSystem = (what: string) =>
  text(256)
    .regex(/^[\x21-\x7e]+$/, 'must be printable ASCII characters without spaces')
    .refine((it) => !it.startsWith('system:'), `must be no ${what} of Kubernetes’ own (system:…)`);

const impersonate = z.strictObject({
  userPrefix: notOfTheSystem('user')
    .default('hallpass:')
    .meta({
      description: 'What stands before the e-mail address, or the subject, of whoever it is.',
      examples: ['hallpass:'],
    }),
  group: notOfTheSystem('group')
    .default('hallpass:sessions')
    .meta({
      description: 'The one group that they act in. What it may do is all that they may.',
      examples: ['hallpass:sessions'],
    }),
});

const cluster = z
  .strictObject({
    name: text(63)
      .regex(DNS_LABEL, DNS_LABEL_RULE)
      .meta({
        description: 'How people and policies name it.',
        examples: ['prod-eu'],
      }),
    inCluster: z
      .boolean()
      .default(false)
      .meta({
        description: 'The cluster that Hallpass itself runs in, by its service account.',
        examples: [true],
      }),
    kubeconfig: path.exactOptional().meta({
      description:
        'A kubeconfig file, read again when it or what it names changes. Give one of `inCluster` and `kubeconfig`.',
      examples: ['/etc/hallpass/prod-eu.kubeconfig'],
    }),
    context: text(256)
      .exactOptional()
      .meta({
        description: 'The context in it. By default its current one.',
        examples: ['prod-eu'],
      }),
    namespaces: z
      .array(text(63).regex(LABEL_GLOB, LABEL_GLOB_RULE))
      .default([])
      .meta({
        description:
          'The namespaces it may touch; `*` in a name is any run of characters. None by default.',
        examples: [['shop', 'team-*']],
      }),
    impersonate: impersonate.exactOptional().meta({
      description:
        'Add containers, enter them, read logs and forward ports in the names of the people for whom it is done, so that the API server’s own audit log names them (docs/permissions.md). Without it, with Hallpass’s own.',
    }),
    audit: audit.exactOptional().meta({
      description: 'How what went past Hallpass is found: by the API server’s audit log.',
    }),
  })
  .refine((it) => (it.inCluster as unknown) === true || it.kubeconfig !== undefined, {
    ...onObjects,
    path: ['kubeconfig'],
    error: 'give inCluster: true or a kubeconfig',
  })
  .refine((it) => (it.inCluster as unknown) !== true || it.kubeconfig === undefined, {
    ...onObjects,
    path: ['kubeconfig'],
    error: 'give one of inCluster and kubeconfig, not both',
  })
  .refine((it) => it.context === undefined || it.kubeconfig !== undefined, {
    ...onObjects,
    path: ['context'],
    error: 'a context is one of a kubeconfig: give that as well',
  });

export const clustersSection = z
  .array(cluster)
  .min(1, 'name one cluster at least')
  .max(500)
  .superRefine(eachOnce('name'), onLists);
