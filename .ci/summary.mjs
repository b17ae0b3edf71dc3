// Adds up the runners' reports and prints the closing line; exits 1 when anything failed.
import { readFileSync } from 'node:fs';

const [stepFailed, ...reports] = process.argv.slice(2);
const sum = { passed: 0, failed: 0, skipped: 0 };
for (const path of reports) {
  const report = JSON.parse(readFileSync(path, 'utf8'));
  sum.passed += report.numPassedTests;
  sum.failed += report.numFailedTests;
  sum.skipped += report.numPendingTests + report.numTodoTests;
}
if (stepFailed !== '0') console.log('A step above failed.');
console.log(`${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped`);
process.exit(stepFailed === '0' && sum.failed === 0 && sum.passed > 0 ? 0 : 1);
