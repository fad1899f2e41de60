/** The least that a configuration must say, with its signing key in `audit.key` beside it. */
export const LEAST_CONFIG = {
  server: { publicUrl: 'https://hallpass.example.com' },
  database: { url: 'postgresql://hallpass@db.example.com/hallpass' },
  identity: { issuers: [{ issuer: 'https://login.example.com', audience: 'hallpass' }] },
  clusters: [{ name: 'prod', inCluster: true }],
  policies: { folders: ['.'] },
  audit: { keyFiles: ['audit.key'] },
};
