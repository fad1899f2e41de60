import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseAllDocuments, stringify } from 'yaml';
import { z } from 'zod';
import { PEOPLE } from '../identity/people.js';
import { PROJECT_ROOT } from '../project.root.js';

const POLICIES = join(PROJECT_ROOT, 'sandbox', 'policies');
const Document = z.looseObject({
  metadata: z.object({ name: z.string() }),
  spec: z.looseObject({ terms: z.looseObject({}).optional() }),
});

/** What the rule for `payments` says besides, where there is Slack: the channel's id is known only then. */
function slackTerms(approvals: string): object {
  return {
    approvals: { require: [{ groups: ['payments-leads'], users: [PEOPLE.approver.sub] }] },
    longest: '1h',
    extension: { times: 2, longest: '1h' },
    slack: { channels: [approvals], consent: 'counts' },
    // Whoever asks in Slack has signed in by nothing: with `signIn` they would be sent to the API.
    breakGlass: { review: { within: '24h', groups: ['payments-leads'] } },
  };
}

/** Writes the policies of the sandbox into a folder of their own, with Slack in them. @returns the folder. */
export async function writeSlackPolicies(folder: string, approvals: string): Promise<string> {
  const made = join(folder, 'slack-policies');
  await mkdir(made, { recursive: true });
  const text = await readFile(join(POLICIES, 'access.yaml'), 'utf8');
  const documents = parseAllDocuments(text).map((one) => Document.parse(one.toJS()));
  const changed = documents.map((document) =>
    document.metadata.name === 'oncall-payments'
      ? {
          ...document,
          spec: {
            ...document.spec,
            terms: { ...document.spec.terms, ...slackTerms(approvals) },
          },
        }
      : document,
  );
  await writeFile(join(made, 'access.yaml'), changed.map((one) => stringify(one)).join('---\n'));
  await copyFile(join(POLICIES, 'profiles.yaml'), join(made, 'profiles.yaml'));
  return made;
}
