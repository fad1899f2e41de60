import type { SerializedError } from 'vitest';
import type { Reporter, TestCase, TestModule } from 'vitest/node';

/**
 * Closes a run with one line, `212 passed, 0 failed`. A file that could not be collected and an error outside any test
 * are failures as well: a run that has them is never told as whole. Before it stands what passed at its second try only.
 */
export default class ClosingLineReporter implements Reporter {
  onTestRunEnd(
    modules: readonly TestModule[],
    unhandledErrors: readonly SerializedError[],
    reason: 'passed' | 'failed' | 'interrupted',
  ): void {
    const line = closingLine({ modules, unhandledErrors: unhandledErrors.length, reason });
    const late = modules.flatMap(({ children }) => [...children.allTests('passed')].filter(isLate));
    const lateLines = late.map((it) => `passed at the second try only: ${nameOf(it)}\n`).join('');
    // Other reporters write at this same moment: the last word is said when the process leaves.
    process.once('exit', () => process.stdout.write(`\n${lateLines}${line}\n`));
  }
}

function isLate(test: TestCase): boolean {
  return test.diagnostic()?.flaky === true;
}

function nameOf({ module, fullName }: TestCase): string {
  return `${module.relativeModuleId} > ${fullName}`;
}

/** What of a module the closing line depends on. */
export interface CountedModule {
  readonly children: {
    allTests(state: 'passed' | 'failed'): Iterable<unknown>;
    allSuites(): Iterable<{ errors(): readonly unknown[] }>;
  };
  errors(): readonly unknown[];
}

/** The line for a run that ended. */
export function closingLine(run: {
  readonly modules: readonly CountedModule[];
  readonly unhandledErrors: number;
  readonly reason: 'passed' | 'failed' | 'interrupted';
}): string {
  let passed = 0;
  let failed = run.unhandledErrors;
  for (const module of run.modules) {
    passed += [...module.children.allTests('passed')].length;
    failed += [...module.children.allTests('failed')].length;
    failed += module.errors().length > 0 ? 1 : 0;
    failed += [...module.children.allSuites()].filter((it) => it.errors().length > 0).length;
  }
  if (run.reason !== 'passed' && failed === 0) failed = 1;
  return `${passed} passed, ${failed} failed`;
}
