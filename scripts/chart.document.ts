import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';
import type { ValueRow } from './chart.comments.js';
import { readValues } from './chart.comments.js';

const Chart = z.object({ version: z.string(), appVersion: z.string(), kubeVersion: z.string() });

const INSTALL = `## Install

The chart makes no passwords and no keys. Three Secrets must be there before, in the namespace of the release:

\`\`\`sh
kubectl create namespace hallpass
kubectl label namespace hallpass pod-security.kubernetes.io/enforce=restricted
kubectl -n hallpass create secret generic hallpass-database \\
  --from-literal=url='postgresql://hallpass:…@db.example.com/hallpass?sslmode=verify-full'
kubectl -n hallpass create secret generic hallpass-database-owner \\
  --from-literal=url='postgresql://hallpass_owner:…@db.example.com/hallpass?sslmode=verify-full'
# Prints the key that verifies the log: keep that where whoever has the broker is not.
hallpass audit keygen hallpass.example.com/v1/audit audit.key
kubectl -n hallpass create secret generic hallpass-audit-key --from-file=key=audit.key
\`\`\`

Then \`hallpass.values.yaml\`, with what only you know; every key of \`config\` is one of docs/configuration.md:

\`\`\`yaml
VALUES
\`\`\`

\`\`\`sh
helm upgrade --install hallpass helm/hallpass -n hallpass -f hallpass.values.yaml --wait --timeout 15m
\`\`\`

- A Job migrates the database first, as the role that owns the tables; what serves never sees that role's password.
- Where no namespace is named, no session can be had there. Each must exist: the chart puts a Role into it.
- docs/platforms.md says what is different on EKS, GKE, AKS and OpenShift, docs/runbooks what to do about each alert.
- deploy/kustomize/base is what this chart renders by default, for those who do without Helm.
`;

const SECRETS = `## Secrets and files

No value is a secret. Where the configuration names a file, name the key of a Secret or of a ConfigMap instead; the chart
mounts it and writes its path:

\`\`\`yaml
config:
  slack:
    teamId: T0123ABCD
    botTokenFile: { existingSecret: hallpass-slack, key: bot-token }
    appTokenFile: { existingSecret: hallpass-slack, key: app-token }
  audit:
    keyFiles:
      - { existingSecret: hallpass-audit-key, key: key }
    sinks:
      - name: siem
        kind: splunk
        url: https://splunk.example.com:8088
        secretFile: { existingSecret: hallpass-siem, key: token }
        caFile: { existingConfigMap: company-ca, key: ca.pem }
\`\`\`
`;

/** The chart's README.md: every value of values.yaml with its default and what its comment says. */
export function chartDocument(): string {
  const { version, appVersion, kubeVersion } = Chart.parse(
    parse(readFileSync('helm/hallpass/Chart.yaml', 'utf8')),
  );
  const example = readFileSync('helm/hallpass/ci/default-values.yaml', 'utf8');
  const rows = readValues();
  const sections = [...new Set(rows.map((row) => row.section))];
  return [
    '# Hallpass for Helm',
    '<!-- Made by `npm run docs` from values.yaml and scripts/chart.document.ts: change it there. -->',
    'Governed, time-boxed debug access to running Kubernetes Pods.',
    `Chart ${version}, of Hallpass ${appVersion}; Kubernetes ${kubeVersion.replace('-0', '')}; Helm 3.17 or later, or 4.`,
    INSTALL.replace('VALUES', () => withoutComments(example)),
    SECRETS,
    '## Values',
    ...sections.map((section) => sectionText(section, rows)),
  ].join('\n\n');
}

function withoutComments(yaml: string): string {
  return yaml.replaceAll(/^#.*\n/gm, '').trim();
}

function sectionText(section: string, rows: readonly ValueRow[]): string {
  const inside = rows.filter((row) => row.section === section);
  return [
    `### ${section}`,
    [
      '| value | default | what |',
      '| --- | --- | --- |',
      ...inside.filter((row) => row.comment !== '').map(rowText),
    ].join('\n'),
  ].join('\n\n');
}

function rowText({ path, fallback, comment, isGroup }: ValueRow): string {
  const shown = isGroup ? '' : `\`${JSON.stringify(fallback)}\``;
  return `| \`${path}\` | ${shown} | ${comment.replaceAll('|', '\\|')} |`;
}
