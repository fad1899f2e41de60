import type { Recorder, StreamRecording } from '../src/app/ports/recorder.js';
import { isStartRefusal, startBroker } from '../src/broker.js';
import { configProblemText, isConfigProblem } from '../src/config/config.problem.js';
import { loadConfig } from '../src/config/load.config.js';
import { newRecordingId } from '../src/domain/recording/recording.js';
import type { Usage } from './terminal.programs.js';
import { BrokerAsked, BrokerOrders } from './terminal.programs.js';

/** The broker as it is, but that it can be told to record nothing. To be forked; ends when it is let go. */
const { configPath } = BrokerOrders.parse(JSON.parse(process.argv[2] ?? ''));
const config = loadConfig({
  HALLPASS_CONFIG: configPath,
  // Nobody may have as many sessions and streams as there are: everybody asks.
  HALLPASS_IDENTITY__ROLES__REQUESTER: '["*"]',
});
if (isConfigProblem(config)) throw new Error(configProblemText(config));
let records = true;
let forgotten = 0;
const broker = await startBroker(config, {
  around: {
    recorder: (inner): Recorder => ({
      open: (...args) => (records ? inner.open(...args) : Promise.resolve(forgetful())),
    }),
  },
});
if (isStartRefusal(broker)) throw new Error(broker.refused);

process.on('message', (message) => {
  const asked = BrokerAsked.parse(message);
  if (asked === 'usage') {
    void usage().then((it) => process.send?.(it));
    return;
  }
  if (asked !== 'time') records = asked === 'record';
  const { user, system } = process.cpuUsage();
  process.send?.({ cpuMs: (user + system) / 1_000, forgotten });
});
process.on('disconnect', () => void broker.stop().then(() => process.exit()));
process.send?.({ url: broker.url });

/** What is used once what can be collected is. */
async function usage(): Promise<Usage> {
  // What finalizers let go is collected by the next.
  for (let turn = 0; turn < 3; turn++) {
    global.gc?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { heapUsed, external, rss } = process.memoryUsage();
  return { heapBytes: heapUsed, externalBytes: external, rssBytes: rss };
}

/** A recording that keeps nothing. */
function forgetful(): StreamRecording {
  forgotten++;
  const nothing = () => undefined;
  return {
    id: newRecordingId(),
    output: nothing,
    input: nothing,
    resize: nothing,
    mark: nothing,
    copied: nothing,
    watched: nothing,
    room: undefined,
    stored: Promise.resolve(undefined),
    failed: new Promise(nothing),
    finish: () => Promise.resolve(),
  };
}
