import type { CredentialsState } from '../../domain/cluster.health.js';
import { ApiFailureError } from './api.failure.js';
import type { ClusterLog, ClusterSettings } from './cluster.settings.js';
import { CredentialFiles } from './credential.files.js';
import { loadKubeconfig } from './kubeconfig.loader.js';
import type { PooledKubeConfig } from './pooled.kubeconfig.js';

const LOOK_AT_FILES_MS = 1_000;
/** What cannot be used is read again after so long though nothing about its files has changed. */
const TRY_AGAIN_MS = 10_000;
const RENEW_MS = 2_000;

/**
 * The credentials of one cluster, as its files say: looked at once a second while calls are made, and at once where the
 * API server does not take them any more. What cannot be used does not take the place of what could.
 */
export class ClusterCredentials {
  private used: { readonly kubeconfig: PooledKubeConfig; readonly digest: string } | undefined;
  /** Of the newest reading, whatever came of it. */
  private files: CredentialFiles | undefined;
  private loading: Promise<void> | undefined;
  private lookedAtMs = Number.NEGATIVE_INFINITY;
  private readAtMs = Number.NEGATIVE_INFINITY;
  private renewedAtMs = Number.NEGATIVE_INFINITY;
  private readAt: Date | null = null;
  private refused: { readonly since: Date; readonly cause: unknown } | null = null;
  private closed = false;

  constructor(
    private readonly settings: ClusterSettings,
    private readonly log: ClusterLog,
    private readonly onRenewed: () => void,
  ) {}

  /** What calls are made with. @throws ApiFailureError `misconfigured` where none could ever be read. */
  async current(): Promise<PooledKubeConfig> {
    if (this.closed) throw misconfigured(new Error('the broker is closing'));
    if (await this.isDue()) await this.load();
    if (this.used) return this.used.kubeconfig;
    throw misconfigured(this.refused?.cause);
  }

  /**
   * Reads them at once, unless that was done a moment ago: for after a 401.
   *
   * @param beganMs when the call began that was answered so: others may have had them read since.
   * @returns whether there is any use in asking again.
   */
  async renew(beganMs: number): Promise<boolean> {
    if (this.renewedAtMs < beganMs) {
      if (performance.now() - this.renewedAtMs < RENEW_MS) return false;
      this.renewedAtMs = performance.now();
      await this.load({ anew: true });
    }
    await this.loading;
    return this.used !== undefined;
  }

  state(): CredentialsState {
    return { readAt: this.readAt, refusedSince: this.refused?.since ?? null };
  }

  /** Cuts all connections that are made with them. */
  async close(): Promise<void> {
    this.closed = true;
    await this.loading;
    await this.used?.kubeconfig.destroy();
    this.used = undefined;
  }

  private async isDue(): Promise<boolean> {
    const nowMs = performance.now();
    if (!this.files || this.loading) return true;
    if (nowMs - this.lookedAtMs < LOOK_AT_FILES_MS) return false;
    this.lookedAtMs = nowMs;
    if (this.refused && nowMs - this.readAtMs >= TRY_AGAIN_MS) return true;
    return this.files.changed();
  }

  private async load({ anew = false } = {}): Promise<void> {
    this.loading ??= this.read(anew).finally(() => {
      this.loading = undefined;
    });
    await this.loading;
  }

  /** @param anew Whether credentials that are the same byte by byte are new ones, as those of a plugin may be. */
  private async read(anew: boolean): Promise<void> {
    const files = new CredentialFiles();
    this.readAtMs = performance.now();
    this.lookedAtMs = this.readAtMs;
    try {
      const kubeconfig = await loadKubeconfig(this.settings, files);
      this.take(kubeconfig, files.digest(), anew);
    } catch (cause) {
      this.refuse(cause);
    } finally {
      this.files = files;
    }
  }

  private take(kubeconfig: PooledKubeConfig, digest: string, anew: boolean): void {
    const before = this.used;
    const isSame = before?.digest === digest;
    if (!isSame || anew) {
      if (before) kubeconfig.inherit(before.kubeconfig);
      this.used = { kubeconfig, digest };
      this.readAt = new Date();
    }
    if (before && !isSame) this.log.info({ cluster: this.settings.name }, 'credentials read again');
    else if (before && this.refused)
      this.log.info({ cluster: this.settings.name }, 'credentials can be read again');
    this.refused = null;
    if (before && !isSame) this.onRenewed();
  }

  private refuse(cause: unknown): void {
    const isNew = this.refused === null;
    this.refused = { since: this.refused?.since ?? new Date(), cause };
    if (!this.used || !isNew) return;
    this.log.warn(
      { cluster: this.settings.name, err: cause },
      'a changed kubeconfig, or what it names, cannot be used; the credentials before are kept',
    );
  }
}

function misconfigured(cause: unknown): ApiFailureError {
  return new ApiFailureError({ failure: 'misconfigured', definite: true, cause });
}
