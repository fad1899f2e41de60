import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as after } from 'node:timers/promises';
import { isStartRefusal, startBroker } from '../../src/broker.js';
import { runClient } from '../../src/hallpass.js';
import { ApiClient } from '../broker/api.client.js';
import { ANCHOR_FILE, writeBrokerConfig } from '../broker/broker.config.js';
import { startDatabase } from '../database/embedded.database.js';
import { roleUrl } from '../database/role.urls.js';
import { PEOPLE } from '../identity/people.js';
import { migratedDatabase, NAMESPACES, startSandbox } from '../sandbox.js';
import { BrokenSandbox, FAULTS } from './broken.sandbox.js';
import { bold, dim, say } from './screen.js';

const LIVED_MS_MAX = 30_000;

/** Breaks much of a sandbox, has `hallpass doctor` look at it, mends it, and has it look again. */
export async function playDoctor(): Promise<number> {
  await using opened = new AsyncDisposableStack();
  say(bold('A sandbox in which much is wrong, and what the doctor says of it.'), '');
  const told = (what: string) => say(dim(`  starting ${what} …`));
  told('PostgreSQL');
  const server = await startDatabase();
  opened.defer(() => server.stop());
  const { serviceUrl } = await migratedDatabase(server.adminUrl);
  const sandbox = await startSandbox({ databaseUrl: serviceUrl, say: told });
  opened.defer(() => sandbox.close());
  const adminUrl = roleUrl(server.adminUrl, { database: 'hallpass' });
  const broken = opened.use(await BrokenSandbox.open(sandbox, adminUrl));
  told('a broker, for a moment');
  await live(broken);
  await broken.breakAll();
  say('', bold('What is wrong:'), ...FAULTS.map(({ wrong }) => `  - ${wrong}`), '');
  await looks(broken);
  await broken.mendAll();
  say('', bold('What was done about it:'), ...FAULTS.map(({ mended }) => `  - ${mended}`), '');
  await looks(broken);
  return 0;
}

/** A broker that puts a checkpoint into its anchor, and cannot start a session for want of its image. */
export async function live(broken: BrokenSandbox): Promise<void> {
  const { sandbox } = broken;
  const { config } = await writeBrokerConfig({
    ...broken.told,
    policies: await broken.unpullable(),
    sessions: { checkSeconds: 1, startGraceSeconds: 1, startDeadlineSeconds: 5 },
    log: { level: 'fatal' },
  });
  const broker = await startBroker(config);
  if (isStartRefusal(broker)) throw new Error(broker.refused);
  try {
    const robin = new ApiClient(broker.url, await sandbox.identity.tokenFor(PEOPLE.requester));
    const { id } = await robin.ask({
      namespace: 'staging',
      target: { workload: { kind: 'Deployment', name: 'cart' } },
      profile: 'shell',
      reason: 'carts are empty',
    });
    const until = Date.now() + LIVED_MS_MAX;
    const isDone = async () =>
      (await robin.session(id)).state === 'ended' && existsSync(join(sandbox.folder, ANCHOR_FILE));
    while (!(await isDone())) {
      if (Date.now() > until) throw new Error('the session did not end');
      await after(200);
    }
  } finally {
    await broker.stop();
  }
}

/** As it is asked where Hallpass runs, and from the laptop of an administrator. */
async function looks({ told, sandbox }: BrokenSandbox): Promise<void> {
  const { path } = await writeBrokerConfig({ ...told, log: { level: 'fatal' } });
  const namespaces = NAMESPACES.join(',');
  await look('where Hallpass runs', ['--config', path]);
  const kubeconfig = sandbox.adminKubeconfig;
  await look('from an administrator’s laptop', [
    ...['--kubeconfig', kubeconfig, '--namespaces', namespaces],
  ]);
}

async function look(from: string, args: readonly string[]): Promise<void> {
  const shown = args.map((arg) => arg.replace(/^\/.*\//, ''));
  say(bold(`$ hallpass doctor ${shown.join(' ')}`), dim(`  ${from}`), '');
  const exitCode = await runClient(['doctor', ...args]);
  say(dim(`(it ends with ${exitCode})`), '');
}
