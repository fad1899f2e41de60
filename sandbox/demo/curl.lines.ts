import { PEOPLE } from '../identity/people.js';
import type { Sandbox } from '../sandbox.js';
import { bold, dim } from './screen.js';

const ASK = {
  namespace: 'payments',
  target: { workload: { kind: 'Deployment', name: 'checkout' } },
  profile: 'shell',
  reason: 'orders are stuck',
  durationSeconds: 120,
};

const REVIEW = { finding: 'justified', comment: 'Orders were stuck, and nobody answered.' };

/** Lines for a shell, ready to be pasted, by which three people do each their part. */
export function curlLines({ identity, tls }: Sandbox, url: string): string[] {
  const signIn = (name: string, person: { sub: string }): string =>
    `  ${name}=$(${identity.curlFor(person)})`;
  const curl = (name: string, rest: string): string =>
    `  curl -sSw '\\n' --cacert ${tls.caFile} -H "Authorization: Bearer $${name}" ${rest}`;
  const json = "-H 'content-type: application/json'";
  const ask = (name: string, body: object): string =>
    `  ${name}=$(${curl('ROBIN', `${json} ${url}/v1/sessions`).trim()} -d '${JSON.stringify(body)}' | sed 's/{"id":"\\([^"]*\\)".*/\\1/')`;
  return [
    bold('Or by the API: lines that can be pasted as they stand'),
    '',
    dim('  # robin is on call: asks, and watches what happens'),
    signIn('ROBIN', PEOPLE.requester),
    ask('ID', ASK),
    '  echo "$ID"',
    curl('ROBIN', `-N ${url}/v1/sessions/$ID/events &`),
    '',
    dim(
      '  # alex leads payments: sees what waits, consents to what was seen (If-Match: its version)',
    ),
    signIn('ALEX', PEOPLE.approver),
    curl('ALEX', `'${url}/v1/sessions?state=pending'`),
    `${curl('ALEX', `${json} -H 'If-Match: "1"' ${url}/v1/sessions/$ID/decisions`)} -d '{"verdict":"approve"}'`,
    '',
    dim('  # robin looks around while it is active, and has seen enough'),
    '  sleep 3',
    curl('ROBIN', `-X POST ${url}/v1/sessions/$ID/end`),
    '',
    dim('  # audrey audits: reads what happened'),
    signIn('AUDREY', PEOPLE.auditor),
    curl('AUDREY', `'${url}/v1/audit/events?limit=20'`),
    '',
    dim('  # nobody could be asked: robin breaks the glass, is in at once, and leaves again'),
    ask('GLASS', { ...ASK, breakGlass: true }),
    '  sleep 3',
    curl('ROBIN', `-X POST ${url}/v1/sessions/$GLASS/end`),
    dim('  # all that happened, until it has ended: before that nobody can review it'),
    curl('ROBIN', `-N ${url}/v1/sessions/$GLASS/events`),
    '',
    dim('  # audrey sees what is owed, alex reviews it'),
    curl('AUDREY', `'${url}/v1/reviews?state=open'`),
    `${curl('ALEX', `${json} ${url}/v1/sessions/$GLASS/review`)} -d '${JSON.stringify(REVIEW)}'`,
  ];
}
