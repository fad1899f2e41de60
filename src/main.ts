import { isStartRefusal, startBroker } from './broker.js';
import { configProblemText, isConfigProblem } from './config/config.problem.js';
import { loadConfig } from './config/load.config.js';

/** Exit codes: 0 stopped by a signal, 1 a bug, or stopped and not done in its grace, 2 wrong configuration or documents, no fit database, or a taken port. */
const LATE = 1;

process.exitCode = await main();

async function main(): Promise<number> {
  const config = loadConfig();
  if (isConfigProblem(config)) return refuse(configProblemText(config));
  const broker = await startBroker(config);
  if (isStartRefusal(broker)) return refuse(broker.refused);
  await signalled();
  return (await broker.leave()) === 'in time' ? 0 : process.exit(LATE);
}

/** Resolves at the first TERM or INT. A second one ends the process at once, as it would without us. */
function signalled(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve());
  });
}

function refuse(sentences: string): number {
  process.stderr.write(`${sentences}\n`);
  return 2;
}
