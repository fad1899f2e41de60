import {
  ATTR_HTTP_REQUEST_METHOD,
  ATTR_HTTP_REQUEST_RESEND_COUNT,
  ATTR_HTTP_RESPONSE_STATUS_CODE,
  ATTR_HTTP_ROUTE,
  ATTR_K8S_CLUSTER_NAME,
  ATTR_URL_SCHEME,
} from '@opentelemetry/semantic-conventions/incubating';
import type { SpanFacts } from '../../app/ports/tracer.js';

/** What OpenTelemetry calls what a span tells; docs/tracing.md lists them. */
export const ATTRIBUTES = {
  session: 'hallpass.session.id',
  event: 'hallpass.session.event',
  verdict: 'hallpass.policy.verdict',
  rule: 'hallpass.policy.rule',
  policySet: 'hallpass.policy.set',
  cluster: ATTR_K8S_CLUSTER_NAME,
  verb: 'hallpass.k8s.verb',
  resource: 'hallpass.k8s.resource',
  retries: ATTR_HTTP_REQUEST_RESEND_COUNT,
  stream: 'hallpass.stream.kind',
  way: 'hallpass.stream.way',
  end: 'hallpass.stream.end',
  method: ATTR_HTTP_REQUEST_METHOD,
  route: ATTR_HTTP_ROUTE,
  scheme: ATTR_URL_SCHEME,
  status: ATTR_HTTP_RESPONSE_STATUS_CODE,
} as const satisfies Readonly<Record<keyof SpanFacts, string>>;

/** The attributes of what a span tells, each of them one of {@link ATTRIBUTES}. */
export function attributesOf(facts: SpanFacts): Record<string, string | number> {
  const attributes: Record<string, string | number> = {};
  for (const fact of FACTS) {
    const value = facts[fact];
    if (value !== undefined) attributes[ATTRIBUTES[fact]] = value;
  }
  return attributes;
}

const FACTS = Object.keys(ATTRIBUTES).filter(isFact);

function isFact(name: string): name is keyof SpanFacts {
  return Object.hasOwn(ATTRIBUTES, name);
}
