import { ANCHOR_FILE } from '../broker/broker.config.js';
import { PEOPLE } from '../identity/people.js';
import type { Sandbox } from '../sandbox.js';
import { bold, dim } from './screen.js';

/** Lines for another terminal, in this folder, by which somebody who has seen no `hallpass` yet is in a container. */
export function cliLines({ identity, tls, folder }: Sandbox, url: string): string[] {
  return [
    bold('By the command line, in another terminal and in this folder'),
    '',
    dim('  # what it keeps is in the folder of this demo, and goes with it'),
    `  hallpass() { XDG_CONFIG_HOME=${folder} npm run --silent hallpass -- "$@"; }`,
    dim('  # opens a page that asks who you are: be robin'),
    `  hallpass login --server ${url} --ca-file ${tls.caFile}`,
    dim('  # nobody is asked in staging: you are in the container at once, and out by exit'),
    "  hallpass debug cart -n staging --profile shell --reason 'to look around'",
    dim('  # in payments alex is asked first, who consents in one more terminal:'),
    dim("  #   hallpass debug checkout -n payments --profile shell --reason 'orders are stuck'"),
    dim(`  #   HALLPASS_TOKEN=$(${identity.curlFor(PEOPLE.approver)}) hallpass approve ID`),
    dim('  # what was shown, played as it was:'),
    dim('  #   hallpass sessions; hallpass recording list ID; hallpass recording play RECORDING'),
    ...auditLines({ identity, folder }),
  ];
}

/** What an auditor does with the log. The anchor's newest checkpoint is what the broker could not take back. */
function auditLines({ identity, folder }: Pick<Sandbox, 'identity' | 'folder'>): string[] {
  const [log, key, older] = [`${folder}/audit-log`, `${folder}/log.key`, `${folder}/anchored`];
  return [
    dim(
      '  # audrey audits: finds the session that was played, and takes the log with what was shown',
    ),
    `  audit() { HALLPASS_TOKEN=$(${identity.curlFor(PEOPLE.auditor)}) hallpass audit "$@"; }`,
    '  audit search stuck --action session.ask',
    `  tail -n 1 ${folder}/${ANCHOR_FILE} | node -e 'process.stdout.write(JSON.parse(fs.readFileSync(0)).note)' > ${older}`,
    `  audit export ${log} --recordings`,
    dim('  # a key that the broker tells proves nothing against it: here nobody else has one'),
    `  audit keys > ${key}`,
    `  audit verify ${log} --key ${key} --older ${older}`,
    dim('  # all of one session in one archive, which proves itself'),
    `  PLAYED=$(audit search stuck --action session.ask --limit 1 -o json | sed -n 's/.*"session": *"\\([^"]*\\)".*/\\1/p' | head -n 1)`,
    `  audit evidence "$PLAYED" --file ${folder}/evidence.tar.gz`,
    `  audit verify ${folder}/evidence.tar.gz --key ${key}`,
  ];
}
