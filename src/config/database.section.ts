import { z } from 'zod';
import { isPostgresUrl, POSTGRES_URL_RULE } from './address.rules.js';
import { onObjects, path, text } from './fields.js';

export const databaseSection = z
  .strictObject({
    url: text(4096)
      .refine(isPostgresUrl, POSTGRES_URL_RULE)
      .exactOptional()
      .meta({
        description:
          'The database, PostgreSQL 15 or later, as the role that serves. The variable `DATABASE_URL` is another name.',
        examples: ['postgresql://hallpass@db.example.com:5432/hallpass'],
        secret: true,
      }),
    urlFile: path.exactOptional().meta({
      description: 'A file that holds `url`, such as a mounted secret. Give one of the two.',
      examples: ['/run/secrets/database-url'],
    }),
    ownerUrl: text(4096)
      .refine(isPostgresUrl, POSTGRES_URL_RULE)
      .exactOptional()
      .meta({
        description:
          'The same database as the role that owns the tables. `hallpass-server migrate` alone uses it.',
        examples: ['postgresql://hallpass_owner@db.example.com:5432/hallpass'],
        secret: true,
      }),
    ownerUrlFile: path.exactOptional().meta({
      description: 'A file that holds `ownerUrl`.',
      examples: ['/run/secrets/database-owner-url'],
    }),
    serviceUser: text(63)
      .exactOptional()
      .meta({
        description:
          'The role that serves, to which migrations grant what it needs. By default the user in `url`.',
        examples: ['hallpass'],
      }),
    poolSize: z
      .int()
      // What is told to others is told while a connection holds the right to.
      .min(2)
      .max(1000)
      .default(10)
      .meta({
        description:
          'Connections to the database at most. Three of ten are kept for what ends sessions.',
        examples: [20],
      }),
  })
  .refine((it) => (it.url === undefined) !== (it.urlFile === undefined), {
    ...onObjects,
    path: ['url'],
    error: 'give one of url and urlFile',
  })
  .refine((it) => it.ownerUrl === undefined || it.ownerUrlFile === undefined, {
    ...onObjects,
    path: ['ownerUrlFile'],
    error: 'give one of ownerUrl and ownerUrlFile',
  });
