import { EventLogError } from '@clicklake/event-log';
import { expect, it } from 'vitest';
import { createFailureTalk } from '../src/system/failure-talk.ts';

const full = new EventLogError({ code: 'log-full', message: 'The disk is full.', hint: 'Free space.' });

it('a failure that comes with every request is told once a minute, without a stack', () => {
  const lines: string[] = [];
  let now = 0;
  const failures = createFailureTalk(
    (line) => lines.push(line),
    () => now,
  );
  for (now = 0; now < 130_000; now += 1_000) failures.tell('It failed', full);
  const line = 'It failed: The disk is full. Free space.';
  const more = `${line} (and 59 times more since it was last told)`;
  expect(lines).toEqual([line, more, more]);
});

it('another failure is told at once, a defect with its stack', () => {
  const lines: string[] = [];
  const failures = createFailureTalk((line) => lines.push(line), Date.now);
  failures.tell('It failed', full);
  failures.tell('It failed', new TypeError('no such thing'));
  expect(lines[1]).toMatch(/^It failed: TypeError: no such thing\n +at /);
});
