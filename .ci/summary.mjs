// Adds up the runners' reports and prints which steps failed and the closing line; exits 1 when anything did.
import { readFileSync } from 'node:fs';

const [failedSteps, ...reports] = process.argv.slice(2);
const sum = { passed: 0, failed: 0, skipped: 0 };
for (const path of reports) {
  const report = JSON.parse(readFileSync(path, 'utf8'));
  sum.passed += report.numPassedTests;
  sum.failed += report.numFailedTests;
  sum.skipped += report.numPendingTests + report.numTodoTests;
}
for (const step of failedSteps.split(';').filter(Boolean)) console.log(`Failed step: ${step}`);
console.log(`${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped`);
process.exit(failedSteps === '' && sum.failed === 0 && sum.passed > 0 ? 0 : 1);
