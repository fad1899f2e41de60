import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { TestProject } from 'vitest/node';
import { prepareTemplate } from './postgres.template.js';
import type { Template } from './postgres.template.js';

declare module 'vitest' {
  interface ProvidedContext {
    /** Where test files ask for the server of this run, and the word that lets them. */
    postgres: { readonly address: string; readonly secret: string };
  }
}

let server: Server;
let template: Promise<Template> | undefined;

/**
 * One PostgreSQL for the whole run. It is started when the first test file asks for it, so that a run without databases
 * does not wait for one.
 */
export async function setup(project: TestProject): Promise<void> {
  const secret = randomBytes(24).toString('base64url');
  server = createServer((request, response) => {
    if (request.headers.authorization !== secret) return void response.writeHead(403).end();
    template ??= prepareTemplate();
    template.then(
      ({ adminUrl, name }) => response.end(JSON.stringify({ adminUrl, name })),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  }).listen(0, '127.0.0.1');
  await new Promise((resolve, reject) => server.once('listening', resolve).once('error', reject));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port was given');
  project.provide('postgres', { address: `http://127.0.0.1:${address.port}`, secret });
}

export async function teardown(): Promise<void> {
  server.closeAllConnections();
  server.close();
  await (await template?.catch(() => undefined))?.stop();
}
