import { setTimeout as after } from 'node:timers/promises';
import { isStartRefusal, startBroker } from '../../src/broker.js';
import { configProblemText, isConfigProblem } from '../../src/config/config.problem.js';
import { loadConfig } from '../../src/config/load.config.js';
import { Asked, Orders, type Told } from './crash.orders.js';
import { trackedClusters, trackedStore, Trails } from './tracked.ports.js';

const LOOK_MS = 20;

/**
 * The broker as it is, but that each session stands still at the step that its ticket names. To be forked, and to be
 * KILLed, or let go on, when all of them stand.
 */
const { configPath, lost } = Orders.parse(JSON.parse(process.argv[2] ?? ''));
const config = loadConfig({ HALLPASS_CONFIG: configPath });
if (isConfigProblem(config)) throw new Error(configProblemText(config));

const trails = new Trails((pod) => tell({ kind: 'held', pod }));
const broker = await startBroker(config, {
  around: {
    store: (inner) => trackedStore(inner, trails),
    clusters: (inner) => trackedClusters(inner, trails, new Set(lost)),
  },
});
if (isStartRefusal(broker)) throw new Error(broker.refused);

process.on('message', (message) => {
  void done(Asked.parse(message)).then((steps) => tell({ kind: 'done', steps }));
});
// Whoever forked it is gone, or has seen enough.
process.on('disconnect', () => process.exit());
tell({ kind: 'serving', url: broker.url });

async function done(asked: Asked): Promise<string[]> {
  switch (asked.kind) {
    case 'steps':
      return trails.stepsAt(asked.pod);
    case 'rest':
      trails.claiming = false;
      return [];
    case 'go-on':
      trails.letGo();
      while (!trails.quiet) await after(LOOK_MS);
      return [];
  }
}

function tell(told: Told): void {
  process.send?.(told);
}
