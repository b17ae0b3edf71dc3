import * as fs from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEmbeddedLog } from '@clicklake/event-log';
import { describeEventLog } from './conformance.ts';

for (const [name, segmentBytes] of [
  ['embedded log', undefined],
  ['embedded log with tiny segments', 1000],
] as const) {
  describeEventLog(name, async () => {
    const directory = await fs.mkdtemp(join(tmpdir(), 'log-'));
    const open = () =>
      openEmbeddedLog({ directory, ...(segmentBytes === undefined ? {} : { segmentBytes }) });
    return { log: open(), reopen: open, dispose: () => fs.rm(directory, { recursive: true }) };
  });
}
