#!/usr/bin/env node
import { enableCompileCache } from 'node:module';

const startedAt = performance.now();
// Before anything else is loaded: a warm start reads compiled modules instead of compiling them.
enableCompileCache();

const { processEffects } = await import('./process-effects.ts');
const { run } = await import('./run.ts');
const effects = processEffects();
// `clicklake tail | head` closes our stdout: that is the end, not a failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});
process.exitCode = await run(process.argv.slice(2), effects, startedAt);
