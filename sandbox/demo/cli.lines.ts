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
  ];
}
