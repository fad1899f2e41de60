import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ChartLab, at, the } from '../support/chart.lab.js';
import type { Manifest } from '../support/chart.lab.js';
import { RenderedMatrix } from '../support/chart.matrix.js';

let lab: ChartLab;
let rendered: RenderedMatrix;
beforeAll(async () => {
  lab = await ChartLab.start();
  rendered = await RenderedMatrix.by(lab);
});
afterAll(() => lab[Symbol.asyncDispose]());

const of = (name: string): Manifest[] => rendered.of(name);

describe('the ways in', () => {
  const annotations = (name: string) => the(of(name), 'Ingress').metadata.annotations;

  test('keep a silent terminal open for an hour, as each controller has it said', () => {
    expect(annotations('an Ingress of nginx')).toMatchObject({
      'nginx.ingress.kubernetes.io/proxy-read-timeout': '3600',
      'nginx.ingress.kubernetes.io/proxy-send-timeout': '3600',
      a: 'b',
    });
    expect(annotations('an Ingress of HAProxy')).toMatchObject({
      'haproxy.org/timeout-server': '3600s',
      // Its own annotation for tunnels is read of its ConfigMap alone.
      'haproxy.org/backend-config-snippet': 'timeout tunnel 3600s',
    });
    // No more is possible there.
    expect(annotations('an Ingress of AWS')).toMatchObject({
      'alb.ingress.kubernetes.io/load-balancer-attributes': 'idle_timeout.timeout_seconds=4000',
    });
    expect(annotations('an Ingress of another')).toBeUndefined();
    const rule = at(the(of('hardened'), 'HTTPRoute'), 'spec', 'rules', 0);
    expect(at(rule, 'timeouts')).toEqual({ request: '0s', backendRequest: '0s' });
  });

  test('lead to the public address in small letters, which is how Kubernetes has hosts', async () => {
    const objects = await lab.render({
      config: { server: { publicUrl: 'https://Hallpass.Example.com' } },
      ingress: { enabled: true },
    });
    expect(at(the(objects, 'Ingress'), 'spec', 'rules', 0, 'host')).toBe('hallpass.example.com');
  });

  test('let the audit log of an API server through, which comes in large pieces', () => {
    expect(annotations('an Ingress of nginx')).toMatchObject({
      'nginx.ingress.kubernetes.io/proxy-body-size': '10m',
    });
  });

  test('speak TLS to Pods that do, as each is told it', () => {
    const prefix = 'nginx.ingress.kubernetes.io/backend-protocol';
    expect(annotations('an Ingress of nginx, to TLS')).toMatchObject({ [prefix]: 'HTTPS' });
    expect(annotations('an Ingress of nginx')).toMatchObject({ [prefix]: 'HTTP' });
    expect(annotations('an Ingress of HAProxy, to TLS')).toMatchObject({
      'haproxy.org/server-ssl': 'true',
    });
    expect(annotations('an Ingress of HAProxy')).not.toHaveProperty(['haproxy.org/server-ssl']);
    expect(annotations('an Ingress of AWS, to TLS')).toMatchObject({
      'alb.ingress.kubernetes.io/backend-protocol': 'HTTPS',
    });
    const service = the(of('an Ingress of Google, to TLS'), 'Service', 'hallpass');
    expect(service.metadata.annotations).toEqual({
      'cloud.google.com/app-protocols': '{"https":"HTTPS"}',
    });
    const trusted = (name: string) => at(the(of(name), 'BackendTLSPolicy'), 'spec', 'validation');
    expect(trusted('hardened')).toEqual({
      caCertificateRefs: [{ group: '', kind: 'ConfigMap', name: 'company-ca' }],
      hostname: 'hallpass.example.com',
    });
    expect(trusted('a Gateway that knows the Pods by its system')).toEqual({
      wellKnownCACertificates: 'System',
      hostname: 'hallpass.example.com',
    });
  });

  test('have the host of the public URL unless another is said', () => {
    const host = (name: string) => at(the(of(name), 'Ingress'), 'spec', 'rules', 0, 'host');
    expect(host('an Ingress of nginx')).toBe('hallpass.example.com');
    expect(host('an Ingress of another')).toBe('h.example.com');
    expect(at(the(of('hardened'), 'HTTPRoute'), 'spec', 'hostnames')).toEqual([
      'hallpass.example.com',
    ]);
    expect(at(the(of('hardened'), 'Certificate'), 'spec', 'dnsNames')).toEqual([
      'hallpass.example.com',
      'hallpass.hallpass.svc',
    ]);
  });
});

describe('the policy of the network', () => {
  /** What may be reached, by the ports of each rule. */
  function reached(name: string, policy = 'hallpass') {
    const rules = at(the(of(name), 'NetworkPolicy', policy), 'spec', 'egress') as {
      to: unknown[];
      ports: { port: number }[];
    }[];
    for (const rule of rules) expect(rule.to.length).toBeGreaterThan(0);
    return rules.map((rule) => [...new Set(rule.ports.map(({ port }) => port))].join());
  }

  test('opens only what the configuration has a use for', () => {
    expect(reached('default')).toEqual(['53', '5432', '443,6443', '443']);
    expect(reached('default', 'hallpass-migrate')).toEqual(['53', '5432']);
    // Slack, webhooks, syslog, mail, S3, on-call sources and a collector of traces besides.
    expect(reached('every section')).toEqual([
      '53',
      '5432',
      '443,6443',
      '443',
      '443',
      '443',
      '6514',
      '465,587',
      '443',
      '443',
      '4318',
    ]);
  });

  test('denies the rest in both directions, and the management port to all but those who are named', () => {
    const policy = the(of('default'), 'NetworkPolicy', 'hallpass');
    expect(at(policy, 'spec', 'policyTypes')).toEqual(['Ingress', 'Egress']);
    expect(at(policy, 'spec', 'ingress')).toEqual([{ ports: [{ port: 8080, protocol: 'TCP' }] }]);
    const hardened = the(of('hardened'), 'NetworkPolicy', 'hallpass');
    expect(at(hardened, 'spec', 'ingress', 0, 'from')).toHaveLength(1);
    expect(at(hardened, 'spec', 'ingress', 1)).toMatchObject({
      ports: [{ port: 9090 }],
      from: [{}],
    });
    const migrate = the(of('default'), 'NetworkPolicy', 'hallpass-migrate');
    expect(at(migrate, 'spec', 'ingress')).toBeUndefined();
  });
});
