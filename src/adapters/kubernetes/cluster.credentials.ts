import { pause } from '../../app/pause.js';
import type { CredentialsState } from '../../domain/cluster.health.js';
import { ApiFailureError } from './api.failure.js';
import type { ClusterLog, ClusterSettings } from './cluster.settings.js';
import { CredentialFiles } from './credential.files.js';
import { loadKubeconfig } from './kubeconfig.loader.js';
import type { PooledKubeConfig } from './pooled.kubeconfig.js';

const LOOK_AT_FILES_MS = 1_000;
/** Files on a network that hangs hold up nobody for longer. */
const FILES_MS = 3_000;
/** What cannot be used is read again after so long though nothing about its files has changed. */
const TRY_AGAIN_MS = 10_000;
const RENEW_MS = 2_000;

/**
 * The credentials of one cluster, as its files say: looked at once a second while calls are made, and at once where the
 * API server does not take them any more. What cannot be used, or not be read in time, does not take the place of what
 * could.
 */
export class ClusterCredentials {
  private used: { readonly kubeconfig: PooledKubeConfig; readonly digest: string } | undefined;
  /** Of the newest reading, whatever came of it. */
  private files: CredentialFiles | undefined;
  /** A look at the files that has not ended, and until when it is waited for. */
  private looking: { readonly untilLate: Promise<void>; isLate: boolean } | undefined;
  /** The credentials are wanted as if they were others, though they may be the same. */
  private wantsAnew = false;
  private lookedAtMs = Number.NEGATIVE_INFINITY;
  private readAtMs = Number.NEGATIVE_INFINITY;
  private renewedAtMs = Number.NEGATIVE_INFINITY;
  private readAt: Date | null = null;
  private refused: { readonly since: Date; readonly cause: unknown } | null = null;
  private closed = false;

  /** @param filesMs how long files are waited for. */
  constructor(
    private readonly settings: ClusterSettings,
    private readonly log: ClusterLog,
    private readonly onRenewed: () => void,
    private readonly filesMs = FILES_MS,
  ) {}

  /** What calls are made with. @throws ApiFailureError `misconfigured` where none could ever be read. */
  async current(): Promise<PooledKubeConfig> {
    if (this.closed) throw misconfigured(new Error('the broker is closing'));
    if (this.looking || this.isDue()) await this.look();
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
      this.wantsAnew = true;
      await this.look();
    }
    await this.looking?.untilLate;
    return this.used !== undefined && !this.looking?.isLate;
  }

  state(): CredentialsState {
    return { readAt: this.readAt, refusedSince: this.refused?.since ?? null };
  }

  /** Cuts all connections that are made with them. */
  async close(): Promise<void> {
    this.closed = true;
    await this.looking?.untilLate;
    await this.used?.kubeconfig.destroy();
    this.used = undefined;
  }

  private isDue(): boolean {
    return !this.files || performance.now() - this.lookedAtMs >= LOOK_AT_FILES_MS;
  }

  /** Looks once for all who ask meanwhile. One that takes too long goes on alone: nobody waits, and none is begun beside it. */
  private look(): Promise<void> {
    if (!this.looking) {
      const ended = new AbortController();
      const looking = {
        isLate: false,
        untilLate: pause(this.filesMs, ended.signal).then(() => {
          if (ended.signal.aborted) return;
          looking.isLate = true;
          this.refuse(new Error('the files of the credentials cannot be read in time'));
        }),
      };
      this.looking = looking;
      void this.lookNow().finally(() => ended.abort());
    }
    return this.looking.untilLate;
  }

  private async lookNow(): Promise<void> {
    this.lookedAtMs = performance.now();
    const again = this.refused && this.lookedAtMs - this.readAtMs >= TRY_AGAIN_MS;
    let isOther =
      !this.files || Boolean(again) || (!this.wantsAnew && (await this.files.changed()));
    // Whoever wants them anew while they are read may have been refused what is being read.
    while (isOther || this.wantsAnew) {
      const anew = this.wantsAnew;
      this.wantsAnew = false;
      isOther = false;
      await this.read(anew);
    }
    // At once: whoever comes now begins another look.
    this.looking = undefined;
  }

  /** @param anew Whether credentials that are the same byte by byte are new ones, as those of a plugin may be. */
  private async read(anew: boolean): Promise<void> {
    const files = new CredentialFiles();
    this.readAtMs = performance.now();
    this.lookedAtMs = this.readAtMs;
    try {
      const kubeconfig = await loadKubeconfig(this.settings, files);
      if (!this.closed) this.take(kubeconfig, files.digest(), anew);
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
