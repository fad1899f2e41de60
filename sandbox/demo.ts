import { parseArgs } from 'node:util';
import type { Broker } from '../src/broker.js';
import { isStartRefusal, startBroker } from '../src/broker.js';
import { fileAnchor, writeBrokerConfig } from './broker/broker.config.js';
import { cliLines } from './demo/cli.lines.js';
import { curlLines } from './demo/curl.lines.js';
import { playDoctor } from './demo/play.doctor.js';
import { playSession } from './demo/play.session.js';
import { bold, dim, say } from './demo/screen.js';
import { playSlack, SlackDemo, slackLines } from './demo/slack.demo.js';
import { freePort } from './free.port.js';
import type { Sandbox } from './sandbox.js';
import { startSandbox } from './sandbox.js';

const HELP = `Plays one debug session on this machine, then stays up for you to try.

  npm run demo               until Ctrl-C
  npm run demo -- --once     ends after the session
  npm run demo -- --doctor   a sandbox in which much is wrong, as hallpass doctor sees it before
                             and after it was mended
  npm run demo -- --slack    the whole story in Slack, with a page that shows its channels
  npm run demo -- --slack --hold
                             the page alone: you press everything yourself
`;

// Whoever reads may be gone, as `tee` is at Ctrl-C: what was started is taken away all the same.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}

process.exitCode = await main(process.argv.slice(2));

async function main(argv: readonly string[]): Promise<number> {
  const args = readArguments(argv);
  if (typeof args === 'string') return stop(args);
  if (args.help) {
    say(HELP);
    return 0;
  }
  if (args.doctor) return playDoctor();
  const leaving = untilSignalled();
  await using opened = new AsyncDisposableStack();
  say(bold('Hallpass, on this machine alone. Nothing stays behind when it ends.'), '');
  const sandbox = await startSandbox({
    usualPorts: true,
    say: (what) => say(dim(`  starting ${what} …`)),
  });
  opened.defer(() => sandbox.close());
  const slack = args.slack ? await SlackDemo.open(sandbox) : undefined;
  if (slack) opened.defer(() => slack.close());
  say(dim('  starting broker …'));
  const broker = await brokerIn(sandbox, slack);
  if (typeof broker === 'string') return stop(broker);
  opened.defer(() => broker.stop());
  say('', ...addresses(sandbox, broker), '');

  if (slack) {
    const shown = await slack.page(broker.url);
    opened.defer(() => shown.page.close());
    const isTold = await Promise.race([
      playSlack(shown, { hold: args.hold, isLeft: leaving.signalled }),
      leaving.then(() => true),
    ]);
    if (args.once) return isTold ? 0 : 1;
    if (leaving.signalled()) return 0;
    say('', ...slackLines(sandbox, broker.url));
  } else {
    const isEnded = await Promise.race([playSession(sandbox, broker), leaving.then(() => true)]);
    if (args.once) return isEnded ? 0 : 1;
    if (leaving.signalled()) return 0;
    if (!isEnded) say(bold('It did not end at its deadline: the sentences above say why.'), '');
    say(...cliLines(sandbox, broker.url), '', ...curlLines(sandbox, broker.url));
  }
  say('', bold('It stays up until you press Ctrl-C.'));
  await leaving;
  say('', 'Ending: sessions, containers, database.');
  return 0;
}

async function brokerIn(sandbox: Sandbox, slack?: SlackDemo): Promise<Broker | string> {
  const { config } = await writeBrokerConfig({
    ...sandbox.surroundings,
    ...slack?.told,
    anchors: [fileAnchor(sandbox.folder)],
    server: {
      port: await freePort(8080),
      managementPort: await freePort(9090),
      // kubectl sends no credentials over plain HTTP; browsers open no page of an authority that they do not know.
      ...(slack ? {} : { tls: sandbox.tls }),
    },
  });
  const broker = await startBroker(config);
  return isStartRefusal(broker) ? broker.refused : broker;
}

function addresses(
  { identity, cluster, adminKubeconfig, databaseUrlFile, tls }: Sandbox,
  broker: Broker,
): string[] {
  return [
    `  API                ${broker.url}         read and try it: ${broker.url}/docs`,
    ...(broker.url.startsWith('https:')
      ? [`                     its certificate is by the authority in ${tls.caFile}`]
      : []),
    `  health             ${broker.managementUrl}/readyz`,
    `  identity provider  ${identity.issuer}`,
    `  stand-in cluster   ${cluster.url}`,
    `                     kubectl --kubeconfig ${adminKubeconfig} get pods`,
    `                     ${cluster.runtime.isolationNote}`,
    '  what other policies would have decided:',
    `                     npm run --silent hallpass -- policy diff docs/policies --database-url-file ${databaseUrlFile}`,
  ];
}

function readArguments(argv: readonly string[]) {
  try {
    const options = {
      help: { type: 'boolean', short: 'h', default: false },
      doctor: { type: 'boolean', default: false },
      once: { type: 'boolean', default: false },
      slack: { type: 'boolean', default: false },
      hold: { type: 'boolean', default: false },
    } as const;
    return parseArgs({ args: [...argv], options }).values;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return `${error.message.split('. ')[0] ?? ''}. See npm run demo -- --help.`;
  }
}

function stop(sentence: string): number {
  process.stderr.write(`${sentence}\n`);
  return 2;
}

/** A promise of the first INT or TERM. A second one ends the process as it would without us. */
function untilSignalled(): Promise<void> & { readonly signalled: () => boolean } {
  let signalled = false;
  const promise = new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => {
        signalled = true;
        resolve();
      });
    }
  });
  return Object.assign(promise, { signalled: () => signalled });
}
