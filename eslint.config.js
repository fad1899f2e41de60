import js from '@eslint/js';
import tseslint from 'typescript-eslint';
import { injectedImport } from './scripts/injected-import.rule.js';

const PROCESS_ENV =
  'src/config is the only reader of the environment, so that all of it is checked and documented. Add a key to the ' +
  'schema there and take what you need as an argument.';

/** What nobody may write; each with why, and what to write in its place. */
const BANS = [
  {
    selector: 'TSEnumDeclaration',
    message:
      'An enum is code that types cannot erase. Write a const array or object `as const` and derive the type from it.',
  },
  {
    selector: 'TSAsExpression > TSAnyKeyword',
    message: '`as any` switches the checker off. Parse input with Zod, or say what the type is.',
  },
  {
    selector:
      'CallExpression[callee.object.name="vi"][callee.property.name=/^wait(For|Until)$/][arguments.length=1]',
    message:
      'It waits for one second, which a busy machine may need. Say how long, or write `expect.poll`.',
  },
];

const DEFAULT_EXPORT = {
  selector: 'ExportDefaultDeclaration',
  message: 'A default export has another name wherever it is imported. Export it by name.',
};

export default tseslint.config(
  {
    ignores: [
      'dist/',
      'node_modules/',
      'coverage/',
      '.hallpass/',
      'src/adapters/prisma/generated/',
    ],
  },
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: {
      parserOptions: { project: './tsconfig.lint.json', tsconfigRootDir: import.meta.dirname },
    },
    plugins: { hallpass: { rules: { 'injected-import': injectedImport } } },
    rules: {
      'hallpass/injected-import': 'error',
      'no-restricted-syntax': ['error', ...BANS, DEFAULT_EXPORT],
      eqeqeq: 'error',
      // Its autofix would turn injected classes into `import type`, which breaks injection (see injected-import).
      '@typescript-eslint/consistent-type-imports': 'off',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', caughtErrors: 'all' },
      ],
      // Numbers read well in texts; anything else must still be turned into text by somebody who means it.
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      // Nest's modules and many ports' adapters are classes without members of their own.
      '@typescript-eslint/no-extraneous-class': ['error', { allowWithDecorator: true }],
      // Fakes and settings are plain objects of the right shape: ports are told apart by type, not by constructor.
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
      // Adapters implement ports that answer with promises, whether or not they wait themselves.
      '@typescript-eslint/require-await': 'off',
      // It does not see what another callback changes while this one waits.
      '@typescript-eslint/no-unnecessary-condition': 'off',
      // Control characters are looked for here on purpose: what people type is checked for them.
      'no-control-regex': 'off',
      // Matters of taste.
      '@typescript-eslint/consistent-type-definitions': 'off',
      '@typescript-eslint/dot-notation': 'off',
      '@typescript-eslint/no-confusing-void-expression': 'off',
      '@typescript-eslint/no-dynamic-delete': 'off',
      '@typescript-eslint/no-misused-spread': 'off',
      '@typescript-eslint/no-unnecessary-type-parameters': 'off',
      '@typescript-eslint/prefer-nullish-coalescing': ['error', { ignorePrimitives: true }],
      '@typescript-eslint/unified-signatures': 'off',
    },
  },
  {
    files: ['src/**/*.ts'],
    ignores: ['src/config/**', '**/*.test.ts'],
    rules: {
      'no-restricted-properties': [
        'error',
        { object: 'process', property: 'env', message: PROCESS_ENV },
      ],
      'no-restricted-imports': [
        'error',
        {
          paths: ['process', 'node:process'].map((name) => ({
            name,
            importNames: ['env', 'default'],
            message: PROCESS_ENV,
          })),
        },
      ],
    },
  },
  {
    files: ['**/*.test.ts', 'test/**/*.ts'],
    rules: {
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/unbound-method': 'off',
      // Answers of the API are `any` to supertest; the test itself says what they must be.
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
    },
  },
  {
    // Their readers take a default export and nothing else.
    files: ['*.config.ts', '*.config.js', '**/*.reporter.ts'],
    rules: { 'no-restricted-syntax': ['error', ...BANS] },
  },
  {
    files: ['**/*.cjs'],
    languageOptions: { globals: { module: 'writable' } },
  },
);
