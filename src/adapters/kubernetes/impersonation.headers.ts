import type { ClientOptions } from 'ws';
import type { OnBehalf } from '../../app/ports/cluster.js';
import { impersonatedName, SESSION_EXTRA } from '../../domain/impersonation.js';
import type { ClusterConnection } from './cluster.connection.js';
import type { ClusterSettings } from './cluster.settings.js';

/**
 * The headers that make a call in somebody's name, where the cluster is to be told: none otherwise, and none for what the
 * broker does for itself. The key of the extra is percent-encoded, as the API server takes it.
 */
export function impersonationHeaders(
  { impersonate }: Pick<ClusterSettings, 'impersonate'>,
  onBehalf: OnBehalf | undefined,
): Readonly<Record<string, string>> {
  if (impersonate === undefined || onBehalf === undefined) return {};
  return {
    'Impersonate-User': impersonatedName(impersonate, onBehalf.person),
    'Impersonate-Group': impersonate.group,
    [`Impersonate-Extra-${encodeURIComponent(SESSION_EXTRA)}`]: onBehalf.session,
  };
}

/** The address of a stream with these headers beside those of the credentials. */
export function inNameOf(
  { url, options }: { readonly url: URL; readonly options: ClientOptions },
  { settings }: ClusterConnection,
  onBehalf: OnBehalf | undefined,
): { readonly url: URL; readonly options: ClientOptions } {
  const headers = impersonationHeaders(settings, onBehalf);
  return { url, options: { ...options, headers: { ...options.headers, ...headers } } };
}
