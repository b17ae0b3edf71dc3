import { describe, expect, it } from 'vitest';

import { planViews } from '../src/engine/pinned-views.ts';
import { openRecentAnswers } from '../src/engine/recent-answers.ts';
import type { ReadRows } from '../src/result/read-rows.ts';
import type { JudgedStatement } from '../src/sandbox/statement.ts';

const repeatable: JudgedStatement = { text: 'FROM silver', isExplain: false, tables: [], isRepeatable: true };
const answer: ReadRows = { columns: [], rows: [[1]], truncated: false, bytes: 10 };

/** The plan of a pin with `rows` rows in its tail, of which `covered` are committed. */
function plan(rows: number, covered = 0n, relationSql = 'SELECT 1 AS a') {
  const slices = [{ table: 'tail_1', rows, release: () => undefined }];
  const tail = {
    slices,
    covered: [{ key: { log_partition: 0 }, offsetColumn: 'log_offset', nextOffset: covered }],
  };
  return planViews([{ name: 'silver', relationSql, tail }]);
}

describe('recent answers', () => {
  it('are given again for the same statement, limit and pinned rows only', () => {
    const recent = openRecentAnswers();
    recent.keepVerdict('q', repeatable);
    recent.keepAnswer('q', 100, plan(10), answer);
    expect(recent.judged('q')).toBe(repeatable);
    expect(recent.answer('q', 100, plan(10))).toBe(answer);
    expect(recent.answer('other', 100, plan(10))).toBeUndefined();
    expect(recent.answer('q', 99, plan(10))).toBeUndefined();
    expect(recent.answer('q', 100, plan(11))).toBeUndefined();
    expect(recent.answer('q', 100, plan(10, 5n))).toBeUndefined();
    expect(recent.answer('q', 100, plan(10, 0n, 'SELECT 2 AS a'))).toBeUndefined();
  });

  it('are not kept when they may change or are large', () => {
    const recent = openRecentAnswers();
    recent.keepVerdict('now', { ...repeatable, isRepeatable: false });
    recent.keepAnswer('now', 100, plan(10), answer);
    recent.keepVerdict('large', repeatable);
    recent.keepAnswer('large', 100, plan(10), { ...answer, bytes: 1_000_000 });
    expect(recent.answer('now', 100, plan(10))).toBeUndefined();
    expect(recent.answer('large', 100, plan(10))).toBeUndefined();
  });

  it('forget the statement that was asked longest ago', () => {
    const recent = openRecentAnswers();
    for (let index = 0; index < 64; index += 1) recent.keepVerdict(`q${index}`, repeatable);
    recent.judged('q0');
    recent.keepVerdict('one more', repeatable);
    expect([recent.judged('q0'), recent.judged('q1')]).toEqual([repeatable, undefined]);
  });
});
