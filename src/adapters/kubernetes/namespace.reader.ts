import type { ApiFailure } from './api.failure.js';
import { isApiFailure } from './api.failure.js';
import type { ClusterConnection } from './cluster.connection.js';
import type { ClusterLog } from './cluster.settings.js';
import { NamespaceDocument } from './kubernetes.documents.js';

/** Of so many namespaces it is remembered that the operators were told; then they are told again. */
const TOLD_MAX = 1_000;

/** The API server gives it to every namespace. */
const NAME_LABEL = 'kubernetes.io/metadata.name';

/** What policy may look at of a namespace. */
export type NamespaceMarks = Pick<NamespaceDocument['metadata'], 'labels' | 'annotations'>;

/** Reads namespaces for what policy may look at of them. Doing without is possible, and told to the operators once. */
export class NamespaceReader {
  private readonly told = new Set<string>();

  constructor(private readonly log: ClusterLog) {}

  /**
   * A namespace that is not there is like one that nobody labelled, so that policy says the same of both. `forbidden`: the
   * broker's account lacks this one right, as where deploy/rbac.yaml is of an older version.
   */
  async read(
    connection: ClusterConnection,
    name: string,
  ): Promise<NamespaceMarks | 'forbidden' | ApiFailure> {
    const found = await connection.call(async ({ core }) =>
      NamespaceDocument.parse(await core.readNamespace({ name })),
    );
    if (!isApiFailure(found)) return found.metadata;
    if (found.failure !== 'refused') return found;
    if (found.httpStatus === 404) return { labels: { [NAME_LABEL]: name } };
    return found.httpStatus === 403 ? 'forbidden' : found;
  }

  /** To be called where the lack had an effect, once something was found there: not for any name that people send. */
  tellForbidden({ settings }: ClusterConnection, namespace: string): void {
    const key = `${settings.name}/${namespace}`;
    if (this.told.has(key)) return;
    if (this.told.size >= TOLD_MAX) this.told.clear();
    this.told.add(key);
    this.log.warn(
      { cluster: settings.name, namespace },
      'the labels and annotations of a namespace are unknown to policy: grant "get" on "namespaces" there (deploy/rbac.yaml)',
    );
  }
}
