import { chmod, cp, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CheckName } from '../../src/domain/doctor/finding.js';
import { ACCOUNT, grantBroker } from '../broker/broker.account.js';
import type { Surroundings } from '../broker/broker.config.js';
import { ANCHOR_FILE, fileAnchor } from '../broker/broker.config.js';
import { allow, disallow } from '../cluster/cluster.grants.js';
import { imageId } from '../cluster/images.js';
import { SkewedWay } from '../cluster/skewed.way.js';
import { asAdmin } from '../database/hallpass.roles.js';
import { freePort } from '../free.port.js';
import { PROJECT_ROOT } from '../project.root.js';
import type { Sandbox } from '../sandbox.js';
import { BOT_TOKEN, REVOKED_TOKEN, SlackWorkspace, TEAM_ID } from '../slack/slack.workspace.js';

/** An image of a registry that nobody answers for. */
const NOWHERE = `registry.example.com/debug@sha256:${'a'.repeat(64)}`;
const BUSYBOX = 'hallpass.sandbox/busybox';
const LATE_MS = -150_000;

/** One thing that is wrong, and what mends it. */
export interface Fault {
  /** What is wrong, and what was done about it, as sentences. */
  readonly wrong: string;
  readonly mended: string;
  /** Whose rows tell of it. */
  readonly checks: readonly CheckName[];
  readonly set: (on: BrokenSandbox, isBroken: boolean) => void | Promise<void>;
}

/** A sandbox in which things are wrong that Hallpass's doctor is to find. */
export class BrokenSandbox implements AsyncDisposable {
  private constructor(
    readonly sandbox: Sandbox,
    /** As the superuser of the database. */
    readonly adminUrl: string,
    readonly workspace: SlackWorkspace,
    private readonly way: SkewedWay,
    /** What the broker's configuration says. */
    readonly told: {
      -readonly [K in keyof Surroundings]: Surroundings[K];
    },
  ) {}

  /** Whole at first. @param adminUrl the superuser of its database. */
  static async open(sandbox: Sandbox, adminUrl: string): Promise<BrokenSandbox> {
    const { folder, surroundings } = sandbox;
    const workspace = await SlackWorkspace.open([], ['security']);
    const way = await SkewedWay.open(sandbox, LATE_MS);
    const bot = join(folder, 'slack-bot-token');
    const secret = join(folder, 'slack-signing-secret');
    await writeFile(bot, BOT_TOKEN, { mode: 0o600 });
    await writeFile(secret, 'the-signing-secret-of-the-sandbox', { mode: 0o600 });
    return new BrokenSandbox(sandbox, adminUrl, workspace, way, {
      ...surroundings,
      policies: await policiesWith(folder, `${BUSYBOX}@${imageId(`${BUSYBOX}:1`)}`, 'by-digest'),
      anchors: [fileAnchor(folder)],
      slack: {
        teamId: TEAM_ID,
        mode: 'http',
        apiUrl: workspace.apiUrl,
        botTokenFile: bot,
        signingSecretFile: secret,
        securityChannel: workspace.id('#security'),
      },
    });
  }

  /** The policies with an image that no node can have. */
  unpullable(): Promise<string> {
    return policiesWith(this.sandbox.folder, NOWHERE, 'nowhere');
  }

  async kubeconfig(isLate: boolean): Promise<string> {
    const { cluster, surroundings } = this.sandbox;
    return isLate
      ? this.way.kubeconfig(cluster.addServiceAccount(ACCOUNT))
      : surroundings.kubeconfig;
  }

  /** Done by the superuser, who is told which role serves. */
  sql(text: (role: string) => string): Promise<void> {
    const role = new URL(this.told.databaseUrl).username;
    return asAdmin(this.adminUrl, async (client) => {
      await client.query(text(role));
    });
  }

  async breakAll(): Promise<void> {
    for (const { set } of FAULTS) await set(this, true);
  }

  async mendAll(): Promise<void> {
    for (const { set } of FAULTS) await set(this, false);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.workspace.close();
    await this.way[Symbol.asyncDispose]();
  }
}

/** All at once: none of them keeps the doctor from seeing another. */
export const FAULTS: readonly Fault[] = [
  {
    wrong: 'The Role of Hallpass in payments has lost `create` on `pods/exec`.',
    mended: 'deploy/rbac.yaml was applied again.',
    checks: ['rights'],
    set: ({ sandbox }, isBroken) =>
      grantBroker(sandbox.cluster, 'payments', isBroken ? 'create pods/exec' : ''),
  },
  {
    wrong: 'Hallpass may read Secrets in the whole cluster.',
    mended: 'Its ClusterRoleBinding to that was deleted.',
    checks: ['rights-beyond'],
    set: granting({
      name: 'hallpass-secrets',
      right: ['get', 'secrets'],
      to: { kind: 'ServiceAccount', ...ACCOUNT },
    }),
  },
  {
    wrong: 'All developers may exec into any Pod.',
    mended: 'Their ClusterRoleBinding was deleted.',
    checks: ['ways-around'],
    set: granting({
      name: 'developers-exec',
      right: ['create', 'pods/exec'],
      to: { kind: 'Group', name: 'developers' },
    }),
  },
  {
    wrong:
      'The namespace payments enforces the level restricted, which the profile `shell` is not.',
    mended: 'The namespace enforces privileged again.',
    checks: ['pod-security'],
    set: ({ sandbox: { cluster } }, isBroken) => {
      const { store } = cluster.parts;
      const namespace = store.get('namespaces', undefined, 'payments');
      if (!namespace) throw new Error('there is no such namespace');
      const labels = {
        'pod-security.kubernetes.io/enforce': isBroken ? 'restricted' : 'privileged',
      };
      store.put('namespaces', { ...namespace, metadata: { ...namespace.metadata, labels } });
    },
  },
  {
    wrong: 'No node can have the image that the profiles name.',
    mended: 'The profiles name one that they have.',
    checks: ['images'],
    set: async (it, isBroken) => {
      const whole = join(it.sandbox.folder, 'policies-by-digest');
      it.told.policies = isBroken ? await it.unpullable() : whole;
    },
  },
  {
    wrong: 'The clock of the API server is two and a half minutes late.',
    mended: 'It keeps time by NTP again.',
    checks: ['clock'],
    set: async (it, isBroken) => {
      it.told.kubeconfig = await it.kubeconfig(isBroken);
    },
  },
  {
    wrong: 'The database’s role of Hallpass was given DELETE on the audit log.',
    mended: 'It was revoked.',
    checks: ['database-role'],
    set: (it, isBroken) =>
      it.sql((role) =>
        isBroken
          ? `GRANT DELETE ON audit_events TO "${role}"`
          : `REVOKE DELETE ON audit_events FROM "${role}"`,
      ),
  },
  {
    wrong: 'Somebody has switched off a trigger that keeps the audit log as it is.',
    mended: 'It was switched on again.',
    checks: ['database-triggers'],
    set: (it, isBroken) =>
      it.sql(
        () =>
          `ALTER TABLE audit_leaves ${isBroken ? 'DISABLE' : 'ENABLE ALWAYS'} TRIGGER append_only_rows`,
      ),
  },
  {
    wrong: 'Everybody on the machine may read the key that signs the audit log.',
    mended: 'Its file is readable by Hallpass alone.',
    checks: ['signing-keys'],
    set: ({ told }, isBroken) => chmod(told.auditKey ?? '', isBroken ? 0o644 : 0o600),
  },
  {
    wrong: 'The anchor, which has checkpoints of this log, is not where it was.',
    mended: 'What it leads to was mounted again.',
    checks: ['anchors'],
    set: async ({ sandbox: { folder } }, isBroken) => {
      const [here, gone] = [join(folder, ANCHOR_FILE), join(folder, 'elsewhere')];
      await (isBroken ? rename(here, gone) : rename(gone, here));
    },
  },
  {
    wrong: 'The token of the bot was revoked in Slack.',
    mended: 'A new one was put into its file.',
    checks: ['slack', 'slack-channel'],
    set: ({ sandbox: { folder } }, isBroken) =>
      writeFile(join(folder, 'slack-bot-token'), isBroken ? REVOKED_TOKEN : BOT_TOKEN),
  },
  {
    wrong: 'The issuer is away.',
    mended: 'It is back.',
    checks: ['issuer'],
    set: async (it, isBroken) => {
      const { identity } = it.sandbox.surroundings;
      it.told.identity = isBroken
        ? { ...identity, issuer: `http://127.0.0.1:${await freePort(0)}` }
        : identity;
    },
  },
  {
    wrong: 'The lock-down kit is not there.',
    mended: 'It was applied, and is enforced.',
    checks: ['lock-down'],
    set: async ({ sandbox }, isBroken) =>
      sandbox.cluster.admission.use(...(isBroken ? [] : await lockDown())),
  },
];

/** Gives or takes a right in the whole cluster. */
function granting(it: {
  readonly name: string;
  readonly right: readonly [verb: string, resource: string];
  readonly to: Parameters<typeof allow>[1]['to'][number];
}): Fault['set'] {
  const { name, right, to } = it;
  const [verb, resource] = right;
  const rules = [{ verbs: [verb], apiGroups: [''], resources: [resource] }];
  return ({ sandbox: { cluster } }, isBroken) =>
    isBroken ? allow(cluster, { name, rules, to: [to] }) : disallow(cluster, name);
}

const KIT = ['adding', 'entering', 'break-glass', 'contents', 'enforce'];

function lockDown(): Promise<string[]> {
  const file = (name: string) => join(PROJECT_ROOT, 'deploy', 'lockdown', `${name}.yaml`);
  return Promise.all(KIT.map((name) => readFile(file(name), 'utf8')));
}

/** The policies of the sandbox with another image. @returns their folder. */
async function policiesWith(folder: string, image: string, name: string): Promise<string> {
  const into = join(folder, `policies-${name}`);
  await cp(join(PROJECT_ROOT, 'sandbox', 'policies'), into, { recursive: true });
  const profiles = join(into, 'profiles.yaml');
  const text = await readFile(profiles, 'utf8');
  await writeFile(profiles, text.replaceAll(`${BUSYBOX}:1`, image));
  return into;
}
