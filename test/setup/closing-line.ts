import type { Reporter, TestModule } from "vitest/node";

/** Ends the output of `npm test` with one line that people and machines can read. */
export default class ClosingLine implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const counts = { passed: 0, failed: 0, skipped: 0, pending: 0 };
    for (const module of modules) {
      const tests = [...module.children.allTests()];
      for (const test of tests) counts[test.result().state] += 1;
      // A file that could not even be loaded has no test to count.
      if (tests.length === 0 && module.state() === "failed") counts.failed += 1;
    }
    const failed = counts.failed + counts.pending;
    if (counts.passed + failed === 0) process.exitCode = 1;
    const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : "";
    process.stdout.write(`\n${counts.passed} passed, ${failed} failed${skipped}\n`);
  }
}
