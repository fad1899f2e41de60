import { format, resolveConfig } from 'prettier';
import { chartDocument } from './chart.document.js';
import { valuesSchema } from './chart.schema.js';
import { cliDocument } from './cli.document.js';
import { configurationDocument } from './configuration.document.js';
import { LOCKDOWN_CHART } from './lockdown-chart.document.js';
import { CONTENTS, lockdownContents } from './lockdown.document.js';
import { permissionsDocument } from './permissions.document.js';
import { policiesDocument } from './policies.document.js';
import { policyFactsDocument } from './policy-facts.document.js';
import { metricsDocument } from './metrics.document.js';
import { problemsDocument } from './problems.document.js';
import { sessionMachineDocument } from './session-machine.document.js';

const MADE: Readonly<Record<string, () => string>> = {
  [CONTENTS]: lockdownContents,
  'docs/cli.md': cliDocument,
  'docs/configuration.md': configurationDocument,
  'docs/permissions.md': permissionsDocument,
  'docs/policies.md': policiesDocument,
  'docs/policy-facts.md': policyFactsDocument,
  'docs/metrics.md': metricsDocument,
  'docs/problems.md': problemsDocument,
  'docs/session-machine.md': sessionMachineDocument,
  'helm/hallpass/README.md': chartDocument,
  'helm/hallpass/values.schema.json': valuesSchema,
};

/** Templates of Go, which the formatter does not know. */
const MADE_AS_IS: Readonly<Record<string, () => string>> = Object.fromEntries(
  Object.entries(LOCKDOWN_CHART).map(([file, make]) => [
    `helm/hallpass/files/lockdown/${file}`,
    make,
  ]),
);

/** The documents that are made from code: path from the repository's root, and text as the formatter leaves it. */
export async function madeDocuments(): Promise<{ path: string; text: string }[]> {
  const asIs = Object.entries(MADE_AS_IS).map(([path, make]) => ({ path, text: make() }));
  const formatted = await Promise.all(
    Object.entries(MADE).map(async ([path, make]) => {
      const options = await resolveConfig(path);
      return { path, text: await format(make(), { ...options, filepath: path }) };
    }),
  );
  return [...formatted, ...asIs];
}
