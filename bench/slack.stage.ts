import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ApiClient } from '../sandbox/broker/api.client.js';
import { writeBrokerConfig } from '../sandbox/broker/broker.config.js';
import type { StandInCluster } from '../sandbox/cluster/stand-in.cluster.js';
import { startDatabase } from '../sandbox/database/embedded.database.js';
import { PEOPLE } from '../sandbox/identity/people.js';
import { PROJECT_ROOT } from '../sandbox/project.root.js';
import { startSandbox } from '../sandbox/sandbox.js';
import { SignedPosts } from '../sandbox/slack/signed.posts.js';
import { startBrokerProcess } from './broker.process.js';
import { emptied, migratedDatabase } from './sessions.stage.js';
import { ALEX, ROBIN, SlackWorkspace, TEAM } from './slack.workspace.js';
import { SlowLine } from './slow.line.js';

const SIGNING_SECRET = 'signing-secret-of-the-benchmark';

/** All that asking and consenting in Slack needs, on this machine's loopback, with the broker as a process of its own. */
export interface SlackStage extends AsyncDisposable {
  readonly cluster: StandInCluster;
  readonly workspace: SlackWorkspace;
  /** The line between the broker and its database. */
  readonly line: SlowLine;
  /** What Slack posts to the broker. */
  readonly slack: SignedPosts;
  /** Who asks, and who has to agree; Slack knows them as `ROBIN` and `ALEX`. */
  readonly robin: ApiClient;
  readonly alex: ApiClient;
}

export async function startSlackStage(say: (what: string) => void): Promise<SlackStage> {
  await using opened = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'hallpass-bench-'));
  opened.defer(() => rm(folder, { recursive: true, force: true }));
  // PostgreSQL may have to run as another user, who walks through here.
  await chmod(folder, 0o711);
  say('starting PostgreSQL');
  const server = await startDatabase({ dataDir: join(folder, 'postgresql') });
  opened.defer(() => server.stop());
  const databaseUrl = new URL(await migratedDatabase(server.adminUrl));
  const line = opened.use(await SlowLine.to(Number(databaseUrl.port)));
  databaseUrl.hostname = '127.0.0.1';
  databaseUrl.port = String(line.port);
  const sandbox = await startSandbox({
    databaseUrl: databaseUrl.href,
    say: (what) => say(`starting ${what}`),
  });
  opened.defer(() => sandbox.close());
  await emptied(sandbox.cluster);
  const workspace = opened.use(await SlackWorkspace.listen());
  const file = async (name: string, text: string): Promise<string> => {
    await writeFile(join(folder, name), text, { mode: 0o600 });
    return join(folder, name);
  };
  say('starting broker');
  const { path } = await writeBrokerConfig({
    ...sandbox.surroundings,
    folder: join(folder, 'broker'),
    policies: join(PROJECT_ROOT, 'bench', 'slack-policies'),
    slack: {
      teamId: TEAM,
      mode: 'http',
      botTokenFile: await file('bot-token', 'xoxb-benchmark'),
      signingSecretFile: await file('signing-secret', SIGNING_SECRET),
      apiUrl: workspace.url,
    },
    log: { level: 'info' },
  });
  const broker = await startBrokerProcess(path);
  opened.defer(() => broker.stop());
  const client = async (person: 'requester' | 'approver') =>
    new ApiClient(broker.url, await sandbox.identity.tokenFor(PEOPLE[person]));
  const [robin, alex] = [await client('requester'), await client('approver')];
  const slack = new SignedPosts(broker.url, SIGNING_SECRET);
  await tie({ slack, workspace, user: ROBIN, client: robin });
  await tie({ slack, workspace, user: ALEX, client: alex });
  const running = opened.move();
  return {
    cluster: sandbox.cluster,
    workspace,
    line,
    slack,
    robin,
    alex,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/** Ties an account by the link that `/debug` shows whoever is tied to nobody. */
async function tie(args: {
  readonly slack: SignedPosts;
  readonly workspace: SlackWorkspace;
  readonly user: string;
  readonly client: ApiClient;
}): Promise<void> {
  const { slack, workspace, user, client } = args;
  const mark = workspace.mark();
  await slack.command(user, { text: '', trigger: `tie-${user}` });
  const { fields } = await workspace.next(mark, ({ method }) => method === 'views.update');
  const [, code] = /\/link\/slack\?code=([\w-]+)/.exec(fields.get('view') ?? '') ?? [];
  const { status } = await client.call('POST', '/v1/me/slack-links', { body: { code } });
  if (status !== 201) throw new Error(`the account ${user} was not tied: ${status}`);
}
