import { expect, test } from 'vitest';
import { limitsFor, lowered, raised, type RefreshLimits } from '../../src/refresh/refresh-limits.ts';

test('what outgrows the memory is tried one model at a time, then by dates, in ever smaller pieces, until there is nothing less', () => {
  const tried: RefreshLimits[] = [];
  for (let next: RefreshLimits | undefined = limitsFor(400_000); next !== undefined; next = lowered(next))
    tried.push(next);
  expect(tried).toEqual([
    { rowsPerPiece: 400_000, mostNewRows: 400_000, stepsAtOnce: 2 },
    { rowsPerPiece: 200_000, mostNewRows: 400_000, stepsAtOnce: 1 },
    { rowsPerPiece: 200_000, mostNewRows: 0, stepsAtOnce: 1 },
    { rowsPerPiece: 50_000, mostNewRows: 0, stepsAtOnce: 1 },
    { rowsPerPiece: 12_500, mostNewRows: 0, stepsAtOnce: 1 },
    { rowsPerPiece: 10_000, mostNewRows: 0, stepsAtOnce: 1 },
  ]);
});

test('a few refreshes that fit bring back what it began with, and no more; the way for few new rows at once', () => {
  const most = limitsFor(400_000);
  let limits: RefreshLimits = { rowsPerPiece: 10_000, mostNewRows: 0, stepsAtOnce: 1 };
  expect(raised(limits, most)).toEqual({ rowsPerPiece: 20_000, mostNewRows: 400_000, stepsAtOnce: 1 });
  for (let refresh = 0; refresh < 8; refresh += 1) limits = raised(limits, most);
  expect(limits).toEqual(most);
  expect(raised({ rowsPerPiece: 50, mostNewRows: 50, stepsAtOnce: 2 }, limitsFor(50))).toEqual(limitsFor(50));
});

test('pieces that are small by themselves do not grow when they are made smaller', () => {
  expect(lowered(limitsFor(50))).toEqual({ rowsPerPiece: 50, mostNewRows: 50, stepsAtOnce: 1 });
});
