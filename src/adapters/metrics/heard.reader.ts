import { Unseen } from '../../domain/doctor/finding.js';
import { METRICS } from './metric.catalogue.js';

const BYTES_MAX = 8 * 1024 * 1024;

/** When a running replica last heard of a cluster's audit log, by its own metrics; null: never. */
export async function heardOf(
  cluster: string,
  managementUrl: string,
  signal: AbortSignal,
): Promise<Date | null | Unseen> {
  const text = await metricsText(managementUrl, signal).catch(() => undefined);
  if (text === undefined || text.length > BYTES_MAX) {
    return new Unseen(
      `no replica answers at ${managementUrl}, and only replicas know`,
      'run it in a Pod of Hallpass (kubectl exec), or look at hallpass_kubernetes_audit_heard_timestamp_seconds',
    );
  }
  const begin = `${METRICS.kubeAuditHeard.name}{cluster="${cluster}"} `;
  const line = text.split('\n').find((it) => it.startsWith(begin));
  return line === undefined ? null : new Date(Number(line.slice(begin.length)) * 1_000);
}

async function metricsText(managementUrl: string, signal: AbortSignal): Promise<string> {
  const response = await fetch(`${managementUrl}/metrics`, { redirect: 'manual', signal });
  if (!response.ok) throw new Error(`answered ${response.status}`);
  return response.text();
}
