// Import directions, by folder: domain <- app <- adapters <- the composition root. Denied by default: what no line of
// `allowed` names is an error. `forbidden` only says some of the same with a reason and an alternative.

const TEST = '\\.test\\.ts$';
const ROOT = '^src/[^/]+\\.ts$';
const NODE = ['core'];
const PACKAGES = ['npm', 'npm-dev', 'npm-optional', 'npm-peer'];

/** Product code of a folder: what is beside it as a test may import more. */
const code = (path) => ({ path, pathNot: TEST });

module.exports = {
  allowed: [
    { from: code('^src/domain/'), to: { path: ['^src/domain/', '^node:crypto$', '^crypto$'] } },

    { from: code('^src/contract/'), to: { path: ['^src/contract/', '^src/domain/'] } },
    { from: code('^src/contract/'), to: { path: '(^|/)node_modules/zod/' } },

    { from: code('^src/app/'), to: { path: ['^src/app/', '^src/domain/', '^src/contract/'] } },
    { from: code('^src/app/'), to: { path: ['^(node:)?(crypto|timers/promises|events)$'] } },

    { from: code('^src/config/'), to: { path: ['^src/config/', '^src/domain/'] } },
    { from: code('^src/config/'), to: { path: '(^|/)node_modules/(zod|yaml)/' } },
    { from: code('^src/config/'), to: { dependencyTypes: NODE } },

    {
      from: code('^src/adapters/([^/]+)/'),
      to: {
        path: ['^src/adapters/$1/', '^src/adapters/net/', '^src/(app|domain|contract|config)/'],
      },
    },
    { from: code('^src/adapters/'), to: { dependencyTypes: [...NODE, ...PACKAGES] } },

    // The composition root binds ports to adapters: it may see everything of ours.
    { from: code(ROOT), to: { path: ['^src/', '^package\\.json$'] } },
    { from: code(ROOT), to: { dependencyTypes: [...NODE, ...PACKAGES] } },

    { from: { path: '^(sandbox|bench)/' }, to: { path: '^(src|sandbox|bench)/' } },
    { from: { path: '^scripts/' }, to: { path: '^(src|scripts)/' } },
    // The image is tried against the sandbox.
    { from: { path: '^scripts/image/' }, to: { path: '^sandbox/' } },
    // What renders the plain manifests runs the same Helm as the tests.
    {
      from: { path: '^scripts/(render-deploy|kustomize\\.render)\\.ts$' },
      to: { path: '^sandbox/cluster/helm\\.runner\\.ts$' },
    },
    { from: { path: ['^test/', TEST] }, to: { path: '^(src|sandbox|bench|test|scripts)/' } },
    { from: { path: ['^test/', TEST] }, to: { path: '^package\\.json$' } },
    {
      from: { path: ['^(sandbox|bench|scripts|test)/', TEST] },
      to: { dependencyTypes: [...NODE, ...PACKAGES] },
    },
  ],
  allowedSeverity: 'error',

  forbidden: [
    {
      name: 'adapters-are-strangers',
      comment:
        'One adapter must not know another. Let the use case call both through ports, or pass what is needed in ' +
        'src/broker.ts. src/adapters/net alone is for all of them: it asks addresses within bounds and knows nobody.',
      severity: 'error',
      from: { path: '^src/adapters/([^/]+)/', pathNot: TEST },
      to: { path: '^src/adapters/', pathNot: ['^src/adapters/$1/', '^src/adapters/net/'] },
    },
    {
      name: 'domain-is-pure',
      comment:
        'The domain knows no framework, no clock and no I/O. Pass times and facts in; put what talks to the world ' +
        'behind a port in src/app/ports.',
      severity: 'error',
      from: { path: '^src/domain/', pathNot: TEST },
      to: { pathNot: ['^src/domain/', '^(node:)?crypto$'] },
    },
    {
      name: 'product-without-its-trials',
      comment: 'src must run without sandbox, tests and benchmarks: move what both need into src.',
      severity: 'error',
      from: { path: '^src/', pathNot: TEST },
      to: { path: '^(sandbox|test|bench|scripts)/' },
    },
    {
      name: 'entry-points-alone-see-the-root',
      comment:
        'The composition root is imported by entry points only; take what you need as an argument.',
      severity: 'error',
      from: { path: '^src/', pathNot: [TEST, ROOT] },
      to: { path: ROOT },
    },
    {
      name: 'prisma-stays-home',
      comment: "Rows stop in src/adapters/prisma: map them there to the domain's own shapes.",
      severity: 'error',
      from: { path: '^(src|sandbox|bench)/', pathNot: ['^src/adapters/prisma/'] },
      to: { path: ['^src/adapters/prisma/generated/', '(^|/)node_modules/@prisma/'] },
    },
    {
      name: 'no-circles',
      comment: 'Two files that need each other are one file, or hide a third.',
      severity: 'error',
      from: { path: '^(src|sandbox|scripts)/', pathNot: '^src/adapters/prisma/generated/' },
      // A circle through a mere type is none when the program runs.
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'no-riddles',
      comment: 'This import leads nowhere.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'product-lives-on-its-own-packages',
      comment: 'What src imports must be among `dependencies`, or it is missing in production.',
      severity: 'error',
      from: { path: '^src/', pathNot: TEST },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg'], dependencyTypesNot: ['type-only'] },
    },
  ],

  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: ['node_modules', '^src/adapters/prisma/generated/'] },
    exclude: { path: '^dist/' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
      extensions: ['.ts', '.js', '.mjs', '.cjs', '.json', '.d.ts'],
    },
  },
};
