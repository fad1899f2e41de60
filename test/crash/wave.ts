import { join } from 'node:path';
import pg from 'pg';
import type { Surroundings } from '../../sandbox/broker/broker.config.js';
import { PROJECT_ROOT } from '../../sandbox/project.root.js';
import type { BrokerLab } from '../support/broker.lab.js';
import { freshDatabase } from '../support/postgres.js';
import { BrokerProcess } from './broker.process.js';
import type { Scenario } from './scenarios.js';
import { Trial } from './trial.js';
import { Turns } from './turns.js';

/** How many sessions are on their way to their step at a time: more would only wait for each other. */
const AT_ONCE = 10;
const POLICIES = join(PROJECT_ROOT, 'test', 'crash', 'policies');

/** What becomes of the first broker when each of its sessions stands at its step. */
export type Fate = 'killed' | 'held up';

/** Sessions that live by one scenario on one database, each in one broker until its step and in another from there. */
export class Wave implements AsyncDisposable {
  private constructor(
    private readonly lab: BrokerLab,
    private readonly scenario: Scenario,
    private readonly parts: {
      readonly surroundings: Partial<Surroundings>;
      readonly superuser: pg.Pool;
      readonly broker: BrokerProcess;
      readonly opened: AsyncDisposableStack;
    },
  ) {}

  /** @param program the built program `crashing.broker`. */
  static async start(lab: BrokerLab, program: string, scenario: Scenario): Promise<Wave> {
    await using opened = new AsyncDisposableStack();
    const database = await freshDatabase();
    opened.defer(() => database.drop());
    const superuser = new pg.Pool({ connectionString: database.adminUrl, max: 4 });
    // The pool ends before its connections do: the database is dropped under the last of them.
    superuser.on('connect', (client) => client.on('error', () => undefined));
    superuser.on('error', () => undefined);
    opened.defer(() => superuser.end());
    const surroundings: Partial<Surroundings> = {
      databaseUrl: database.serviceUrl,
      policies: POLICIES,
      sessions: { checkSeconds: 30, ...scenario.sessions },
      log: { level: 'fatal' },
    };
    const { path: configPath } = await lab.config(surroundings);
    const orders = { configPath, lost: [...(scenario.lost ?? [])] };
    const broker = opened.use(await BrokerProcess.start(program, orders));
    return new Wave(lab, scenario, { surroundings, superuser, broker, opened: opened.move() });
  }

  /** Lives one session undisturbed and gives its steps. */
  async steps(): Promise<readonly string[]> {
    const { broker, superuser } = this.parts;
    await using trial = await Trial.prepare(this.lab, this.scenario, superuser);
    await trial.live(broker.url);
    return await broker.steps(trial.podName);
  }

  /**
   * Lives one session for each step until it stands there, and has another broker bring all of them to their end: when
   * the first was killed, or while it is held up, to come back when all is over. To be done once.
   *
   * @returns the steps that no session passed. @throws Error where a promise is broken, with the step.
   */
  async visit(steps: readonly string[], fate: Fate): Promise<string[]> {
    const { broker, superuser, surroundings } = this.parts;
    await using opened = new AsyncDisposableStack();
    const trials = await Promise.all(
      steps.map(async (step) => {
        const trial = await Trial.prepare(this.lab, this.scenario, superuser, step);
        return { step, trial: opened.use(trial) };
      }),
    );
    const each = <T>(work: (trial: Trial) => Promise<T>): Promise<T[]> =>
      Promise.all(trials.map(({ step, trial }) => within(step, work(trial))));

    const turns = new Turns(AT_ONCE);
    const reached = await each((it) =>
      turns.take(() => it.liveUntil(broker.url, broker.held(it.podName))),
    ).catch((cause: unknown) => {
      if (broker.lastWords === undefined) throw cause;
      throw new Error(`the broker died of itself: ${broker.lastWords}`, { cause });
    });
    await (fate === 'killed' ? broker.kill() : broker.rest());
    await each((it) => it.lookAtRemains());
    const heir = await this.lab.broker({ surroundings });
    try {
      await each((it) => it.liveOn(heir.url));
      if (fate === 'held up') {
        await broker.goOn();
        await each((it) => it.mustBeOver());
      }
    } finally {
      await heir.stop();
    }
    return steps.filter((_, index) => !reached[index]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.parts.opened.disposeAsync();
  }
}

/** What fails says at which step it did. */
async function within<T>(step: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    throw new Error(`at "${step}": ${String(cause)}`, { cause });
  }
}
